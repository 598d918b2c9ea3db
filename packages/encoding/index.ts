export { BitReader } from "./bit-reader.ts";
export { BitWriter } from "./bit-writer.ts";
export { ByteReader, decodeText } from "./byte-reader.ts";
export { ByteWriter, uvarintBytes } from "./byte-writer.ts";
export { crc32c, crc32cTables } from "./crc32c.ts";
export { EncodingError, type EncodingErrorCode } from "./encoding-error.ts";
export { compress, compressInto, maxCompressedLength, uncompress, uncompressedLength } from "./snappy.ts";
export { WireReader, WireType } from "./wire-reader.ts";
export { WireWriter } from "./wire-writer.ts";
