// All of the reference's rule files and unit tests, told by its own expectations. What its older binary says of them is
// compared to the letter; where we follow a newer release, or the order of examples is left open, it is named here why.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../config/index.ts";
import { evaluationBatches } from "../rules/rule-dependencies.ts";
import { loadRuleFiles } from "../rules/rule-file.ts";
import { runTool } from "./tool.ts";

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../../shared/conformance/data/rules");
const skip = existsSync(folder) ? false : "the reference's rule files (../shared/conformance/data/rules) are not there";

interface Case {
  readonly file: string;
  readonly kind?: "rules" | "tests" | "config";
  readonly valid?: boolean;
  readonly contains?: string;
  readonly promtool: { readonly command: string; readonly exit: number; readonly text: string };
}

/** Where the newest release says something else than 3.5.3, or says it in an order of its own: exit code and text of ours. */
const OTHERWISE: Readonly<Record<string, { readonly why: string; readonly exit: number; readonly text: RegExp }>> = {
  "features.yml": {
    why: "duration expressions need no flag by now, and the other features' names are known",
    exit: 1,
    text: /rule 1, "promql-experimental-functions".* is not enabled\n.*rule 3, .*anchored modifier is experimental and not enabled\n.*rule 4, .*fill modifiers are experimental and not enabled$/,
  },
  "bad-promql.yml": {
    why: "the two examples of duplicate series stand in any order",
    exit: 1,
    text: /found duplicate series for the match group \{a="1"\} on the right hand-side of the operation: \[\{__name__="join_2", a="1", b="\d"\}, \{__name__="join_2", a="1", b="\d"\}\];many-to-many/,
  },
  "prometheus-aws-sd-empty-region.good.yml": {
    why: "ECS, RDS, MSK and ElastiCache cannot be asked for targets yet, nor could 3.5.3",
    exit: 1,
    text: /field ecs_sd_configs not found/,
  },
};

async function outcome(argv: readonly string[]): Promise<{ exit: number; text: string }> {
  let text = "";
  const exit = await runTool(argv, {
    out: () => {},
    err: (part) => {
      text += part;
    },
    stdin: () => "",
    now: () => 0,
  });
  // The expectations name files without their folder, and lines without their indentation.
  const lines = text
    .replaceAll(`${folder}/`, "")
    .replace(/\b(rulefmt|fixtures|promtool)\//g, "")
    .split("\n");
  return {
    exit,
    text: lines
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join("\n"),
  };
}

for (const part of ["rulefmt", "fixtures", "promtool"]) {
  const file = join(folder, part, "expected.json");
  const cases = skip === false ? (JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] }).cases : [];
  for (const { file: name, valid, contains, promtool } of cases) {
    const path = join(folder, part, name);
    test(`upstream ${part}/${name}: narthex tool ${promtool.command}`, async () => {
      const { exit, text } = await outcome([...promtool.command.split(" "), path]);
      const other = OTHERWISE[name];
      if (other !== undefined) {
        assert.equal(exit, other.exit, text);
        assert.match(text, other.text, other.why);
        return;
      }
      assert.deepEqual({ exit, text }, { exit: promtool.exit, text: promtool.text });
    });
    if (valid === undefined) continue;
    test(`upstream ${part}/${name}: ${valid ? "loads" : "is refused"}`, () => {
      const options = { nameValidationScheme: name.startsWith("legacy") ? "legacy" : "utf8" } as const;
      if (valid) assert.doesNotThrow(() => loadRuleFiles([path], options));
      else {
        assert.throws(
          () => loadRuleFiles([path], options),
          (error) => error instanceof ConfigError && error.message.includes(contains ?? ""),
        );
      }
    });
  }
  test(`upstream ${part}: every file has its expectation, or is only read by others`, { skip }, () => {
    const known = new Set(cases.map((item) => item.file));
    const others = readdirSync(join(folder, part)).filter((name) => !known.has(name) && name !== "expected.json");
    const readByOthers = /^(dump-.*\.prom|metrics-test\.prom|(good|bad)-sd-file.*|prometheus-config\.(good|bad)\.yml)$/;
    assert.deepEqual(
      others.filter((name) => !readByOthers.test(name)),
      [],
    );
  });
}

test("upstream promtool/prometheus-config.*.yml: the good one passes the whole check, the bad one does not", {
  skip,
}, async () => {
  const run = (name: string): Promise<{ exit: number }> => outcome(["check", "config", join(folder, "promtool", name)]);
  assert.equal((await run("prometheus-config.good.yml")).exit, 0);
  assert.equal((await run("prometheus-config.bad.yml")).exit, 1);
});

/** The order in which the reference evaluates its fixtures when rules run beside one another. */
const BATCHES: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "rules_dependencies.yaml": [[0], [1]],
  "rules_multiple.yaml": [
    [0, 1, 2, 4],
    [3, 5],
  ],
  "rules_multiple_independent.yaml": [[0, 1, 2, 3, 4, 5, 6, 7]],
  "rules_indeterminates.yaml": [[0], [1], [2], [3], [4], [5], [6]],
  "rules_multiple_dependents_on_base.yaml": [
    [0, 4],
    [1, 2, 3, 5, 6, 7],
  ],
  "rules_chain.yaml": [[0, 1], [2], [3], [4, 5, 6]],
};

for (const [name, batches] of Object.entries(BATCHES)) {
  test(`upstream fixtures/${name}: rules that need one another run in order, others at once`, { skip }, () => {
    const [group] = loadRuleFiles([join(folder, "fixtures", name)]);
    assert.deepEqual(evaluationBatches(group?.rules ?? []), batches);
  });
}
