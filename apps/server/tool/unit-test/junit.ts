// Test results as JUnit's XML, for build servers. Source: the reference's `--junit`.

interface Case {
  readonly name: string;
  readonly failures: string[];
  readonly errors: string[];
}

/** The results of one file. */
export class JunitSuite {
  readonly name: string;
  readonly #cases: Case[] = [];
  #time = "";

  constructor(name: string) {
    this.name = name;
  }

  /** When the tests began, in milliseconds since the epoch. */
  begin(now: number): void {
    this.#time = new Date(now).toISOString().slice(0, 19);
  }

  /** Notes a test and what failed in it. */
  add(name: string, failures: readonly string[]): void {
    this.#cases.push({ name, failures: [...failures], errors: [] });
  }

  /** The file could not be tested at all. */
  abort(reason: string): void {
    this.#cases.push({ name: "unknown", failures: [], errors: [reason] });
  }

  toXml(): string {
    const count = (list: "failures" | "errors"): number =>
      this.#cases.reduce((sum, item) => sum + item[list].length, 0);
    const cases = this.#cases.map(({ name, failures, errors }) => {
      const elements = [
        ...failures.map((text) => `<failure>${xmlText(text)}</failure>`),
        ...errors.map((text) => `<error>${xmlText(text)}</error>`),
      ];
      return `<testcase name="${xmlText(name)}">${elements.join("")}</testcase>`;
    });
    return (
      `<testsuite name="${xmlText(this.name)}" tests="${this.#cases.length}" failures="${count("failures")}" ` +
      `errors="${count("errors")}" skipped="0" timestamp="${this.#time}">${cases.join("")}</testsuite>`
    );
  }
}

export function junitReport(suites: readonly JunitSuite[]): string {
  return `<testsuites>${suites.map((suite) => suite.toXml()).join("")}</testsuites>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
  "\t": "&#x9;",
  "\n": "&#xA;",
  "\r": "&#xD;",
};

function xmlText(text: string): string {
  // Characters that XML does not know are replaced.
  return text
    .replace(/[&<>"'\t\n\r]/g, (sign) => ENTITIES[sign] as string)
    .replace(/[\x00-\x1f\ufffe\uffff]/g, "\ufffd");
}
