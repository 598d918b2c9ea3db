// The query protocol of older AWS services: forms in, XML out.
import { parseXml, xmlChild, xmlText } from "./xml.ts";

/** Parameters as the body of a POST. */
export function formBody(params: Readonly<Record<string, string>>): string {
  return new URLSearchParams(params).toString();
}

/** An error of a service. */
export interface AwsErrorAnswer {
  readonly code: string;
  readonly message: string;
}

/** What an error answer says; undefined when it says nothing that can be read. */
export function awsError(text: string): AwsErrorAnswer | undefined {
  try {
    const root = parseXml(text);
    // EC2 wraps its errors once more than others do.
    const error = xmlChild(root, "Errors", "Error") ?? xmlChild(root, "Error");
    const code = error === undefined ? undefined : xmlText(error, "Code");
    if (error === undefined || code === undefined) return undefined;
    return { code: code.slice(0, 100), message: (xmlText(error, "Message") ?? "").slice(0, 500) };
  } catch {
    return undefined;
  }
}

/** The same in one line. */
export function awsErrorText(text: string): string | undefined {
  const error = awsError(text);
  return error === undefined ? undefined : `${error.code}: ${error.message}`;
}
