import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type LaunchEnvironment, launch, type ServerOptions } from "./launch.ts";

interface Run {
  readonly environment: LaunchEnvironment;
  readonly calls: { argv: string[]; options: ServerOptions | undefined }[];
  /** Folders whose log was to be read ahead. */
  readonly readAhead: string[];
  /** Command lines of what was started beside. */
  readonly companions: (readonly string[])[];
  /** Ends the companion that was started last. */
  endCompanion(code: number | undefined): void;
  printed(): { out: string; err: string };
}

function environment(main: (argv: string[]) => Promise<number> = async () => 0): Run {
  let out = "";
  let err = "";
  const calls: Run["calls"] = [];
  const readAhead: string[] = [];
  const companions: (readonly string[])[] = [];
  let end: (code: number | undefined) => void = () => {};
  return {
    calls,
    readAhead,
    companions,
    endCompanion: (code) => end(code),
    printed: () => ({ out, err }),
    environment: {
      home: join(import.meta.dirname, ".."),
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      readAhead(directory) {
        readAhead.push(directory);
        return { directory };
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
      companion(argv) {
        companions.push(argv);
        const ended = new Promise<number | undefined>((resolve) => {
          end = resolve;
        });
        return { ended, stop: async () => end(0) };
      },
    },
  };
}

test("launcher: everything after `server` goes to the server, whose code comes back", async () => {
  const { environment: env, calls } = environment(async () => 3);
  assert.equal(await launch(["server", "--config.file=x.yml", "--agent"], env), 3);
  assert.deepEqual(calls[0]?.argv, ["--config.file=x.yml", "--agent"]);
  assert.equal(calls[0]?.options?.configText, undefined);
});

test("launcher: the log of the server's database is read ahead, wherever its flags say it is", async () => {
  const { environment: env, calls, readAhead } = environment();
  const flag = "--storage.tsdb.path";
  for (const argv of [[], [`${flag}=a`], [flag, "b/c"], [`${flag}=a`, `${flag}=d`], ["--agent"], ["--help"]]) {
    await launch(["server", ...argv], env);
  }
  assert.deepEqual(readAhead, ["data/", "a", "b/c", "d"]);
  assert.deepEqual(
    calls.map(({ options }) => options?.replayThread?.directory),
    ["data/", "a", "b/c", "d", undefined, undefined],
  );
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

test("narthex start: an Alertmanager comes along, is scraped and told, and ends with the server", async () => {
  let stopServer = (): void => {};
  const run = environment(
    () =>
      new Promise((resolve) => {
        stopServer = () => resolve(4);
      }),
  );
  const code = launch(["start", "--web.listen-address=127.0.0.1:7", "--storage.tsdb.path=elsewhere"], run.environment);
  while (run.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const { options } = run.calls[0] as (typeof run.calls)[number];
  const address = /alertmanagers:\n.*\n {4}- targets: \["(127\.0\.0\.1:\d+)"\]/.exec(options?.configText ?? "")?.[1];
  assert.match(options?.configText ?? "", new RegExp(`job_name: alertmanager\n.*\n {2}- targets: \\["${address}"\\]`));
  assert.match(options?.configText ?? "", /rule_files:\n- ".*defaults\/rules\.yml"/);
  assert.equal(run.companions.length, 0);
  options?.onReady?.({ scheme: "http", path: "" });
  const argv = run.companions[0] as readonly string[] | undefined;
  assert.equal(argv?.[0], "alertmanager");
  assert.match(argv?.[1] ?? "", /^--config\.file=.*defaults\/alertmanager\.yml$/);
  assert.deepEqual(argv?.slice(2), [
    "--storage.path=elsewhere/alertmanager",
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
    "--log.level=warn",
  ]);
  assert.match(run.printed().out, new RegExp(`Alerts and silences: http://${address}/`));
  stopServer();
  assert.equal(await code, 4);
  assert.equal(run.printed().err.includes("Alertmanager"), false);
});

test("narthex start: the Alertmanager listens where it is told to, and is found there", async () => {
  const run = environment(async () => {
    run.calls[0]?.options?.onReady?.({ scheme: "http", path: "" });
    return 0;
  });
  const own = ["--alertmanager.web.listen-address", ":9999"];
  await launch(["start", "--web.listen-address=127.0.0.1:7", ...own], run.environment);
  assert.ok(run.companions[0]?.includes("--web.listen-address=:9999"));
  assert.match(run.calls[0]?.options?.configText ?? "", /alertmanagers:\n.*\n {4}- targets: \["localhost:9999"\]/);
  assert.match(run.printed().out, /Alerts and silences: http:\/\/localhost:9999\//);
  assert.deepEqual(run.calls[0]?.argv, ["--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:7"]);
});

test("narthex start: an Alertmanager that fails is told of, and the server goes on", async () => {
  const run = environment(() => new Promise(() => {}));
  void launch(["start", "--web.listen-address=127.0.0.1:7"], run.environment);
  while (run.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  run.calls[0]?.options?.onReady?.({ scheme: "http", path: "" });
  run.endCompanion(1);
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(run.printed().err, /the Alertmanager ended with code 1; the server goes on without it\n$/);
});

for (const [argv, wanted] of [
  [["--no-alertmanager"], undefined],
  [["--agent"], undefined],
  [["--config.file=mine.yml"], undefined],
  [["--alertmanager.config.file=am.yml"], "am.yml"],
  [["--config.file=mine.yml", "--alertmanager.config.file", "am.yml"], "am.yml"],
] as const) {
  test(`narthex start ${argv.join(" ")}: ${wanted === undefined ? "no Alertmanager" : `one with ${wanted}`}`, async () => {
    const run = environment(async () => {
      run.calls[0]?.options?.onReady?.({ scheme: "http", path: "" });
      return 0;
    });
    await launch(["start", "--web.listen-address=127.0.0.1:7", ...argv], run.environment);
    assert.equal(run.companions[0]?.[1], wanted && `--config.file=${wanted}`);
    assert.equal(
      run.calls[0]?.argv.some((word) => /alertmanager|am\.yml/.test(word)),
      false,
    );
    assert.equal(
      run.calls[0]?.options?.configText?.includes("alertmanager") ?? false,
      wanted !== undefined && !argv.some((word) => word.startsWith("--config")),
    );
  });
}

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
