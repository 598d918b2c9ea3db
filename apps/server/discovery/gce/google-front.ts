// Stands in for Google before a fake API, for servers that can only be pointed there by a proxy and a certificate.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { whenDone } from "../testing.ts";

const HOST = "compute.googleapis.com";

/** Environment that makes a program take the API at `api` for Google. Throws where there is no `openssl`. */
export async function googleFront(api: URL): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "narthex-google-"));
  whenDone(() => rmSync(folder, { recursive: true }));
  const [keyFile, certFile, credentials] = ["key.pem", "cert.pem", "credentials.json"].map((name) =>
    join(folder, name),
  );
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${HOST}`];
  const names = ["-addext", `subjectAltName=DNS:${HOST},DNS:www.googleapis.com`];
  execFileSync("openssl", [...args, ...names, "-keyout", keyFile as string, "-out", certFile as string], {
    stdio: "ignore",
  });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const account = {
    type: "service_account",
    client_email: "me@example.org",
    private_key_id: "1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    token_uri: new URL("/token", api).href,
  };
  writeFileSync(credentials as string, JSON.stringify(account));
  const key = readFileSync(keyFile as string);
  const cert = readFileSync(certFile as string);
  const proxy = createServer();
  proxy.on("connect", (_request, socket: Socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    const plain = new TLSSocket(socket, { isServer: true, key, cert, ALPNProtocols: ["http/1.1"] });
    const upstream = connect(Number(api.port), api.hostname);
    for (const each of [plain, upstream, socket]) each.on("error", () => {});
    plain.pipe(upstream).pipe(plain);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  whenDone(() => proxy.close());
  return {
    HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    SSL_CERT_FILE: certFile as string,
    GOOGLE_APPLICATION_CREDENTIALS: credentials as string,
  };
}
