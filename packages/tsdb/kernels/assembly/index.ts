export { appendSamples } from "./append";
export { crc32c } from "./checksum";
export { decodeSamples } from "./samples";
export { compress, uncompress } from "./snappy";
