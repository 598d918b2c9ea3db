import assert from "node:assert/strict";
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
      alertmanager: async () => ({
        async main(argv) {
          calls.push({ argv, options: undefined });
          return 5;
        },
        async amtool(argv) {
          calls.push({ argv, options: undefined });
          return 6;
        },
      }),
      pushgateway: async () => ({
        async main(argv) {
          calls.push({ argv, options: undefined });
          return 9;
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

test("launcher: everything after `amtool` goes to the Alertmanager's tool, whose code comes back", async () => {
  const { environment: env, calls } = environment();
  assert.equal(await launch(["amtool", "silence", "query", "-q"], env), 6);
  assert.deepEqual(calls[0]?.argv, ["silence", "query", "-q"]);
});

test("launcher: everything after `tool` goes to the tools, whose code comes back", async () => {
  const { environment: env, calls } = environment();
  assert.equal(await launch(["tool", "check", "config", "x.yml"], env), 7);
  assert.deepEqual(calls[0]?.argv, ["check", "config", "x.yml"]);
});

test("launcher: everything after `alertmanager` goes to it, whose code comes back", async () => {
  const { environment: env, calls } = environment();
  assert.equal(await launch(["alertmanager", "--config.file=x.yml"], env), 5);
  assert.deepEqual(calls[0]?.argv, ["--config.file=x.yml"]);
});

test("launcher: everything after `pushgateway` goes to the Pushgateway, whose code comes back", async () => {
  const { environment: env, calls } = environment();
  assert.equal(await launch(["pushgateway", "--web.enable-lifecycle"], env), 9);
  assert.deepEqual(calls[0]?.argv, ["--web.enable-lifecycle"]);
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
  for (const name of ["server", "start", "tool", "alertmanager", "pushgateway", "version", "help"])
    assert.match(printed().out, new RegExp(`^  ${name} `, "m"));
  const versioned = environment();
  assert.equal(await launch(["version"], versioned.environment), 0);
  assert.match(versioned.printed().out, /^narthex \d+\.\d+\.\d+ /);
});

test("narthex start: address, data folder and configuration are filled in, and the readiness is announced", async () => {
  const { environment: env, calls, printed } = environment();
  assert.equal(await launch(["start", "--web.listen-address", "127.0.0.1:7"], env), 0);
  assert.deepEqual(calls[0]?.argv, ["--storage.tsdb.path=data", "--web.listen-address", "127.0.0.1:7"]);
  assert.match(calls[0]?.options?.configText ?? "", /targets: \["127\.0\.0\.1:7"\]/);
  assert.equal(printed().out, "");
  // The server says when: who asked it over HTTP was turned away where it wants a password or TLS.
  calls[0]?.options?.onReady?.({ scheme: "https", path: "/prom" });
  assert.match(printed().out, /Narthex is ready at https:\/\/127\.0\.0\.1:7\/prom\/, watching itself/);
});

test("narthex start: below a prefix, the built-in configuration scrapes below it", async () => {
  const { environment: env, calls } = environment();
  await launch(["start", "--web.external-url=http://x/prom/", "--web.listen-address=127.0.0.1:7"], env);
  assert.match(calls[0]?.options?.configText ?? "", /\n {2}metrics_path: "\/prom\/metrics"\n/);
});

test("narthex start --help: says what it fills in, and starts nothing", async () => {
  const { environment: env, calls, printed } = environment();
  assert.equal(await launch(["start", "--help"], env), 0);
  assert.equal(calls.length, 0);
  assert.match(printed().out, /^usage: narthex start \[<flags>\]\n/);
  assert.match(printed().out, /narthex server --help lists them/);
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
