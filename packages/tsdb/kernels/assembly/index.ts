export { appendSamples } from "./append";
export { crc32c } from "./checksum";
export { seriesOfLabels } from "./live-series";
export { makeSeries } from "./logged-series";
export { buildPostings } from "./postings";
export { appendRows, decodeFirstRow, decodeNextRow } from "./rows";
export { decodeSamples } from "./samples";
export { placeSeries } from "./series";
export { compress, uncompress } from "./snappy";
