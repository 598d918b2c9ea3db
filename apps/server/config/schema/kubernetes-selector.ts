// Selectors of Kubernetes objects, checked as the API would check them. Source: Kubernetes documentation, "Labels and
// Selectors", "Field Selectors"; texts are those of its library.

/** What is wrong with a field selector: `name=value,name!=value`; undefined for a good one. */
export function fieldSelectorProblem(selector: string): string | undefined {
  for (const term of splitUnescaped(selector)) {
    if (term === "") continue;
    const operator = /^((?:\\.|[^\\=!]|!(?!=))*)(!=|==|=)/.exec(term);
    if (operator === null) return `invalid selector: '${selector}'; can't understand '${term}'`;
    const value = term.slice(operator[0].length);
    const wrong = /\\([^\\,=]|$)/.exec(value.replace(/\\[\\,=]/g, ""));
    if (wrong !== null) return `invalid field selector: invalid escape sequence: ${wrong[0]}`;
    const bare = /[,=]/.exec(value.replace(/\\./g, ""));
    if (bare !== null) return `invalid field selector: unescaped character in value: ${bare[0].charCodeAt(0)}`;
  }
  return undefined;
}

/** Terms between commas that no backslash stands before. */
function splitUnescaped(selector: string): readonly string[] {
  return selector.match(/(?:\\.|[^\\,]|\\$)+/g) ?? [];
}

const OPERATORS = ["in", "notin", "=", "==", "!=", "<", ">"];
const NAME = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)$/;
const DNS_PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME_CHARS = 63;
const MAX_PREFIX_CHARS = 253;

/** What is wrong with a label selector: `a,!b,c=d,e in (f,g)`; undefined for a good one. */
export function labelSelectorProblem(selector: string): string | undefined {
  const tokens = selector.match(/[!=]=|[()=!<>,]|[^()=!<>,\s]+/g) ?? [];
  let at = 0;
  const found = () => tokens[at] ?? "";
  const isWord = (token: string) => token !== "" && !/^[()=!<>,]/.test(token);
  const unexpected = (wanted: string) => `unable to parse requirement: found '${found()}', expected: ${wanted}`;
  while (at < tokens.length) {
    const isAbsence = found() === "!";
    if (isAbsence) at++;
    if (!isWord(found())) return unexpected("identifier");
    const keyProblem = labelKeyProblem(found());
    if (keyProblem !== undefined) return `unable to parse requirement: ${keyProblem}`;
    at++;
    if (at < tokens.length && found() !== ",") {
      if (isAbsence || !OPERATORS.includes(found())) return unexpected(OPERATORS.join(", "));
      const operator = tokens[at++] as string;
      const values: string[] = [];
      if (operator === "in" || operator === "notin") {
        if (found() !== "(") return unexpected("'('");
        do {
          at++;
          // Nothing between commas is the empty value.
          values.push(isWord(found()) ? (tokens[at++] as string) : "");
        } while (found() === ",");
        if (found() !== ")") return unexpected("',' or ')'");
        at++;
      } else {
        values.push(isWord(found()) ? (tokens[at++] as string) : "");
      }
      for (const value of values) {
        const isNumeric = operator === "<" || operator === ">";
        const isGood = isNumeric ? /^[-+]?\d+$/.test(value) : isLabelValue(value);
        if (!isGood) return `unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(value)}`;
      }
    }
    if (at === tokens.length) return undefined;
    if (found() !== ",") return `found '${found()}', expected: ',' or 'end of string'`;
    at++;
    if (at === tokens.length) return "found '', expected: identifier after ','";
  }
  return undefined;
}

function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  const isGoodPrefix = prefix === undefined || (prefix.length <= MAX_PREFIX_CHARS && DNS_PREFIX.test(prefix));
  if (isGoodPrefix && name.length <= MAX_NAME_CHARS && NAME.test(name)) return undefined;
  return `key: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
}

function isLabelValue(value: string): boolean {
  return value === "" || (value.length <= MAX_NAME_CHARS && NAME.test(value));
}
