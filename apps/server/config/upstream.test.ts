// Every configuration of the reference's own tests: good ones load, bad ones are refused with the reference's text.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigError } from "./error.ts";
import { loadConfigFile } from "./load.ts";
import { toYaml } from "./to-yaml.ts";

interface Case {
  readonly file: string;
  readonly valid: boolean;
  readonly contains?: string;
  readonly agent?: string;
}

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../../shared/conformance/data/config");
const manifest = join(folder, "expected.json");
const skip = existsSync(manifest) ? false : "the reference's test configurations are not beside this repository";
const cases: Case[] = skip === false ? JSON.parse(readFileSync(manifest, "utf8")).cases : [];

const environment = { FOO: "foo" };

/** The reference's texts name the files as its own test folder sees them. */
function asSeenUpstream(message: string): string {
  return message.replaceAll(`${folder}/`, "testdata/");
}

test("upstream configurations: there are some", { skip }, () => assert.ok(cases.length > 100));

for (const { file, valid, contains, agent } of cases) {
  test(`upstream configuration ${file}: ${valid ? "loads" : `is refused with: ${contains ?? "an error"}`}`, () => {
    const path = join(folder, file);
    if (valid) {
      const config = loadConfigFile(path, { environment });
      assert.match(toYaml(config), /^global:\n/);
    } else {
      assert.throws(
        () => loadConfigFile(path, { environment }),
        (error) => {
          assert.ok(error instanceof ConfigError, String((error as Error).stack));
          assert.match(error.message, /:\d+:\d+: /);
          if (contains !== undefined) assert.ok(asSeenUpstream(error.message).includes(contains), error.message);
          return true;
        },
      );
    }
    if (agent !== undefined) {
      assert.throws(() => loadConfigFile(path, { environment, agentMode: true }), { message: new RegExp(agent) });
    }
  });
}
