import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { FaultyFs } from "./faulty-fs.ts";
import { type FileSystem, isNotFound, joinPath, readWholeFile, writeFileAtomically } from "./file-system.ts";
import { MemoryFs } from "./memory-fs.ts";
import { NodeFs } from "./node-fs.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const shown = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function write(fs: FileSystem, path: string, content: string, sync = false): void {
  const file = fs.open(path, "append");
  file.append(text(content));
  if (sync) file.sync();
  file.close();
}

/** What every file system must do; `root` is an empty directory. */
function contract(name: string, make: () => { fs: FileSystem; root: string; clean(): void }): void {
  describe(`file system contract: ${name}`, () => {
    function within(run: (fs: FileSystem, root: string) => void): () => void {
      return () => {
        const { fs, root, clean } = make();
        try {
          run(fs, root);
        } finally {
          clean();
        }
      };
    }

    test(
      "appends come back in order, at any position",
      within((fs, root) => {
        const path = joinPath(root, "a");
        const file = fs.open(path, "create");
        file.append(text("hello "));
        file.append(text("-world-"), 1, 6);
        assert.equal(file.size(), 11);
        const into = new Uint8Array(8);
        assert.equal(file.read(into, 2, 6, 5), 6);
        assert.equal(shown(into.subarray(2)), " world");
        assert.equal(file.read(into, 0, 8, 9), 2);
        assert.equal(file.read(into, 0, 8, 50), 0);
        file.close();
        file.close();
        assert.throws(() => file.append(text("x")));
      }),
    );

    test(
      "open modes",
      within((fs, root) => {
        const path = joinPath(root, "a");
        assert.throws(() => fs.open(path, "read"), isNotFound);
        write(fs, path, "one");
        assert.throws(() => fs.open(path, "create"), { code: "EEXIST" });
        write(fs, path, "two");
        assert.equal(shown(readWholeFile(fs, path)), "onetwo");
        const file = fs.open(path, "replace");
        file.append(text("three"));
        file.close();
        assert.equal(shown(readWholeFile(fs, path)), "three");
        assert.throws(() => readWholeFile(fs, path, 4), { code: "EFBIG" });
        assert.throws(() => fs.open(joinPath(root, "no/such"), "create"), isNotFound);
      }),
    );

    test(
      "directories, links, renames",
      within((fs, root) => {
        const at = (...parts: string[]): string => joinPath(root, ...parts);
        fs.mkdir(at("d/e"));
        fs.mkdir(at("d/e"));
        write(fs, at("d/e/f"), "content");
        fs.link(at("d/e/f"), at("g"));
        assert.throws(() => fs.link(at("d/e/f"), at("g")), { code: "EEXIST" });
        fs.rename(at("d"), at("h"));
        assert.equal(fs.kind(at("d")), undefined);
        assert.equal(fs.kind(at("h/e")), "directory");
        assert.deepEqual(fs.list(root), ["g", "h"]);
        write(fs, at("h/e/f"), "!");
        assert.equal(shown(readWholeFile(fs, at("g"))), "content!");
        fs.removeAll(at("h"));
        fs.removeAll(at("h"));
        assert.equal(shown(readWholeFile(fs, at("g"))), "content!");
        fs.truncate(at("g"), 3);
        assert.equal(fs.size(at("g")), 3);
        fs.truncate(at("g"), 5);
        assert.deepEqual([...readWholeFile(fs, at("g"))], [...text("con"), 0, 0]);
        fs.unlink(at("g"));
        assert.throws(() => fs.size(at("g")), isNotFound);
        assert.throws(() => fs.unlink(at("g")), isNotFound);
        assert.throws(() => fs.list(at("h")), isNotFound);
        fs.syncDirectory(root);
      }),
    );

    test(
      "a file is replaced atomically",
      within((fs, root) => {
        const path = joinPath(root, "meta.json");
        writeFileAtomically(fs, path, text("old"));
        writeFileAtomically(fs, path, text("new"));
        assert.equal(shown(readWholeFile(fs, path)), "new");
        assert.deepEqual(fs.list(root), ["meta.json"]);
      }),
    );
  });
}

contract("NodeFs", () => {
  const root = mkdtempSync(join(tmpdir(), "narthex-fs-"));
  return { fs: new NodeFs(), root, clean: () => rmSync(root, { recursive: true, force: true }) };
});
contract("MemoryFs", () => {
  const fs = new MemoryFs();
  fs.mkdir("data");
  return { fs, root: "data", clean: () => {} };
});
contract("FaultyFs without faults", () => ({ fs: new FaultyFs(new MemoryFs()), root: "", clean: () => {} }));

describe("MemoryFs after a power cut", () => {
  test("contents fall back to the last fsync, names to the last fsync of their directory", () => {
    const fs = new MemoryFs();
    fs.mkdir("d");
    fs.syncDirectory("");
    write(fs, "d/named", "kept", true);
    fs.syncDirectory("d");
    write(fs, "d/named", "lost");
    write(fs, "d/nameless", "synced but without a name", true);
    fs.dropUnsynced();
    assert.deepEqual(fs.files(), ["d/named"]);
    assert.equal(shown(readWholeFile(fs, "d/named")), "kept");
  });

  test("a rename that was not synced is undone", () => {
    const fs = new MemoryFs();
    fs.mkdir("block.tmp");
    write(fs, "block.tmp/meta.json", "x", true);
    fs.syncDirectory("block.tmp");
    fs.syncDirectory("");
    fs.rename("block.tmp", "block");
    const synced = fs.clone();
    fs.dropUnsynced();
    assert.deepEqual(fs.files(), ["block.tmp/meta.json"]);
    synced.syncDirectory("");
    synced.dropUnsynced();
    assert.deepEqual(synced.files(), ["block/meta.json"]);
  });
});

describe("FaultyFs", () => {
  test("the n-th change fails, later ones work unless it stays down", () => {
    for (const stayDown of [false, true]) {
      const fs = new FaultyFs(new MemoryFs(), { failAt: 2, stayDown });
      const file = fs.open("a", "create");
      assert.throws(() => file.append(text("lost")), { code: "EIO" });
      if (stayDown) assert.throws(() => file.append(text("x")), { code: "EIO" });
      else file.append(text("x"));
      assert.equal(fs.size("a"), stayDown ? 0 : 1);
    }
  });

  test("a torn write leaves its first half", () => {
    const fs = new FaultyFs(new MemoryFs(), { tearAt: 2 });
    const file = fs.open("a", "create");
    assert.throws(() => file.append(text("12345678")), { code: "EIO" });
    assert.equal(shown(readWholeFile(fs, "a")), "1234");
  });

  test("a full disk takes what fits", () => {
    const fs = new FaultyFs(new MemoryFs(), { capacityBytes: 5 });
    const file = fs.open("a", "create");
    file.append(text("123"));
    assert.throws(() => file.append(text("456")), { code: "ENOSPC" });
    assert.equal(shown(readWholeFile(fs, "a")), "12345");
  });

  test("reads come short or fail", () => {
    const inner = new MemoryFs();
    inner.put("a", text("12345678"));
    const fs = new FaultyFs(inner, { shortReadAt: 1, failReadAt: 2 });
    const file = fs.open("a", "read");
    const into = new Uint8Array(8);
    assert.equal(file.read(into, 0, 8, 0), 4);
    assert.throws(() => file.read(into, 0, 8, 0), { code: "EIO" });
    assert.equal(file.read(into, 0, 8, 0), 8);
  });
});
