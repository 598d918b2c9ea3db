export { appendSamples } from "./append";
export { crc32c } from "./checksum";
export { buildPostings, placeSeries } from "./postings";
export { appendRows, decodeFirstRow, decodeNextRow } from "./rows";
export { decodeSamples } from "./samples";
export { makeSeries } from "./series";
export { compress, uncompress } from "./snappy";
