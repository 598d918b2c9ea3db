import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type LaunchEnvironment, launch, type ServerOptions } from "./launch.ts";

interface Run {
  readonly environment: LaunchEnvironment;
  readonly calls: { argv: string[]; options: ServerOptions | undefined }[];
  printed(): { out: string; err: string };
}

function environment(main: (argv: string[]) => Promise<number> = async () => 0): Run {
  let out = "";
  let err = "";
  const calls: Run["calls"] = [];
  return {
    calls,
    printed: () => ({ out, err }),
    environment: {
      home: join(import.meta.dirname, ".."),
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      server: async () => ({
        main(argv, options) {
          calls.push({ argv, options });
          return main(argv);
        },
        async runTool(argv) {
          calls.push({ argv, options: undefined });
          return 7;
        },
      }),
    },
  };
}

test("launcher: everything after `server` goes to the server, whose code comes back", async () => {
  const { environment: env, calls } = environment(async () => 3);
  assert.equal(await launch(["server", "--config.file=x.yml", "--agent"], env), 3);
  assert.deepEqual(calls[0]?.argv, ["--config.file=x.yml", "--agent"]);
  assert.equal(calls[0]?.options?.configText, undefined);
});

test("launcher: everything after `tool` goes to the tools, whose code comes back", async () => {
  const { environment: env, calls } = environment();
  assert.equal(await launch(["tool", "check", "config", "x.yml"], env), 7);
  assert.deepEqual(calls[0]?.argv, ["check", "config", "x.yml"]);
});

test("launcher: a wrong subcommand gets one sentence that says what to do, and code 2", async () => {
  const wrong = environment();
  assert.equal(await launch(["serve"], wrong.environment), 2);
  assert.match(wrong.printed().err, /^narthex: unknown subcommand "serve"; choose one of: server, start, .*\n$/);
  const flag = environment();
  assert.equal(await launch(["--config.file=x"], flag.environment), 2);
  assert.match(flag.printed().err, /narthex server --config\.file=x\n$/);
  assert.equal(await launch([], environment().environment), 2);
});

test("launcher: help lists every subcommand, version names the version", async () => {
  const { environment: env, printed } = environment();
  assert.equal(await launch(["--help"], env), 0);
  for (const name of ["server", "start", "tool", "version", "help"])
    assert.match(printed().out, new RegExp(`^  ${name} `, "m"));
  const versioned = environment();
  assert.equal(await launch(["version"], versioned.environment), 0);
  assert.match(versioned.printed().out, /^narthex \d+\.\d+\.\d+ /);
});

test("narthex start: address, data folder and configuration are filled in, and the readiness is announced", async () => {
  const server = createServer((_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let stop = (): void => {};
  const running = new Promise<number>((resolve) => {
    stop = () => resolve(0);
  });
  const { environment: env, calls, printed } = environment(() => running);
  const ended = launch(["start", "--web.listen-address", address], env);
  while (!printed().out.includes("ready at")) await new Promise((resolve) => setTimeout(resolve, 20));
  stop();
  assert.equal(await ended, 0);
  server.close();
  assert.match(printed().out, new RegExp(`Narthex is ready at http://${address}/`));
  assert.deepEqual(calls[0]?.argv, ["--storage.tsdb.path=data", "--web.listen-address", address]);
  assert.match(calls[0]?.options?.configText ?? "", new RegExp(`targets: \\["${address}"\\]`));
});

test("narthex start: a configuration of one's own replaces the built-in one", async () => {
  const { environment: env, calls } = environment();
  await launch(["start", "--config.file=mine.yml", "--storage.tsdb.path=elsewhere"], env);
  assert.equal(calls[0]?.options?.configText, undefined);
  assert.match(
    calls[0]?.argv.join(" ") ?? "",
    /^--web\.listen-address=127\.0\.0\.1:\d+ --config\.file=mine\.yml --storage\.tsdb\.path=elsewhere$/,
  );
});
