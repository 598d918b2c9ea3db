import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type AppendedFile, type AppendFiles, FileSink } from "./file-sink.ts";

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "narthex-events-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const read = (file: string): string => readFileSync(file, "utf8");

test("file sink: appends, and makes the file anew when it was moved away or deleted", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "events.jsonl");
  writeFileSync(file, "before\n");
  const sink = new FileSink(file);
  t.after(() => sink.close());
  const write = async (text: string): Promise<void> =>
    assert.deepEqual(await sink.write(Buffer.from(text)), { count: text.length });
  await write("1\n");
  renameSync(file, `${file}.1`);
  await write("2\n");
  await write("3\n");
  rmSync(file);
  await write("4\n");
  renameSync(file, `${file}.2`);
  writeFileSync(file, "");
  await write("5\n");
  assert.deepEqual(
    readdirSync(folder).map((name) => [name, read(join(folder, name))]),
    [
      ["events.jsonl", "5\n"],
      ["events.jsonl.1", "before\n1\n"],
      ["events.jsonl.2", "4\n"],
    ],
  );
});

test("file sink: a line that somebody died in ends before the next one begins", async (t) => {
  const file = join(scratch(t), "events.jsonl");
  writeFileSync(file, '{"half');
  const sink = new FileSink(file);
  await sink.write(Buffer.from("1\n"));
  await sink.write(Buffer.from("2\n"));
  await sink.close();
  assert.equal(read(file), '{"half\n1\n2\n');
});

test("file sink: a file that cannot be opened is tried again with each write", async (t) => {
  const folder = join(scratch(t), "later");
  const sink = new FileSink(join(folder, "events.jsonl"));
  const { count, error } = await sink.write(Buffer.from("1\n"));
  assert.equal(count, 0);
  assert.match(String(error), /ENOENT/);
  mkdirSync(folder);
  assert.deepEqual(await sink.write(Buffer.from("2\n")), { count: 2 });
  await sink.close();
  assert.equal(read(join(folder, "events.jsonl")), "2\n");
});

/** One file of which no write takes more than three bytes, and which has room for `room`. */
class FaultyFiles implements AppendFiles {
  text = "";
  room = 5;
  opened = 0;
  closed = 0;

  async open(): Promise<AppendedFile> {
    this.opened++;
    return {
      identity: "1",
      isTorn: this.text !== "" && !this.text.endsWith("\n"),
      write: async (bytes) => {
        const count = Math.min(3, bytes.length, this.room - this.text.length);
        if (count === 0) throw new Error("no space left on device");
        this.text += Buffer.from(bytes.subarray(0, count)).toString();
        return count;
      },
      close: async () => {
        this.closed++;
        throw new Error("closing fails too");
      },
    };
  }

  async identify(): Promise<string> {
    return "1";
  }
}

test("file sink: after a write that came half through, the next line begins anew", async () => {
  const files = new FaultyFiles();
  const sink = new FileSink("x", files);
  const { count, error } = await sink.write(Buffer.from("1234\n567\n"));
  assert.deepEqual([count, error?.message], [5, "no space left on device"]);
  files.room = 7;
  assert.equal((await sink.write(Buffer.from("abc\n"))).count, 2);
  files.room = 100;
  assert.deepEqual(await sink.write(Buffer.from("def\n")), { count: 4 });
  assert.equal(files.text, "1234\nab\ndef\n");
  sink.reopen();
  await sink.write(Buffer.from("g\n"));
  await sink.close();
  assert.deepEqual([files.opened, files.closed], [4, 4]);
});
