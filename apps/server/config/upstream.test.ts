// Every configuration of the reference's own tests: good ones load, bad ones are refused with the reference's text.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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
  /** What an older release of the reference's checker says; it knows no mechanisms, and looks into no further files. */
  readonly promtool: { readonly exit: number; readonly text: string };
}

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../../shared/conformance/data/config");
const manifest = join(folder, "expected.json");
const skip = existsSync(manifest) ? false : "the reference's test configurations are not beside this repository";
const cases: Case[] = skip === false ? JSON.parse(readFileSync(manifest, "utf8")).cases : [];

const environment = { FOO: "foo" };

/** Files of the folder that are no configurations. */
const OTHER_FILES = ["expected.json", "first.rules"];

/** What is refused for a file of `scrape_config_files`: the manifest has no text for these. */
const TEXTS_OF_MORE_FILES: Readonly<Record<string, string>> = {
  "scrape_config_files_double_import.bad.yml": `found multiple scrape configs with job name "prometheus", first found in "`,
  "scrape_config_files_duplicate.bad.yml": `found multiple scrape configs with job name "prometheus", first found in main config file`,
  "scrape_config_files_global.bad.yml": `/scrape_config_files.bad.yml": scrape timeout greater than scrape interval for scrape config with job name "prometheus"`,
  "scrape_config_files_global_duplicate.bad.yml": `found multiple scrape configs with job name "prometheus", first found in main config file`,
};

/** The texts that a refusal must hold: the manifest's, or else the lines of the reference's checker, without their numbers. */
function expectedTexts({ file, contains, promtool }: Case): readonly string[] {
  if (contains !== undefined) return [contains];
  if (promtool.exit !== 0) {
    const [, text = ""] = /^FAILED: (?:parsing YAML file \S+: )?(.*)$/s.exec(promtool.text) ?? [];
    return text.split("\n").map((line) => line.replace(/^line \d+: /, ""));
  }
  return [TEXTS_OF_MORE_FILES[file] ?? ""];
}

/** The reference's texts name the files as its own test folder sees them. */
function asSeenUpstream(message: string): string {
  return message.replaceAll(`${folder}/`, "testdata/");
}

test("upstream configurations: every file of the folder is in the manifest, and the other way round", { skip }, () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  assert.deepEqual(files.filter((file) => !OTHER_FILES.includes(file)).sort(), cases.map(({ file }) => file).sort());
  assert.ok(cases.filter(({ valid }) => valid).length >= 47);
  assert.ok(cases.filter(({ valid }) => !valid).length >= 100);
});

test("upstream configurations: there is a text for every one that is refused", { skip }, () => {
  const without = cases.filter((each) => !each.valid && expectedTexts(each).some((text) => text === ""));
  assert.deepEqual(without, []);
});

for (const each of cases) {
  const { file, valid, agent } = each;
  test(`upstream configuration ${file}: ${valid ? "loads" : `is refused with: ${expectedTexts(each).join(" / ")}`}`, () => {
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
          for (const text of expectedTexts(each))
            assert.ok(asSeenUpstream(error.message).includes(text), error.message);
          return true;
        },
      );
    }
    if (agent !== undefined) {
      assert.throws(() => loadConfigFile(path, { environment, agentMode: true }), { message: new RegExp(agent) });
    }
  });
}
