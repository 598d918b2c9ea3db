import assert from "node:assert/strict";
import { test } from "node:test";
import { BasicAuth } from "./basic-auth.ts";

const users = new Map([["joe", "hash-of-secret"]]);
const header = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;

function counting(): { auth: BasicAuth; compared: string[] } {
  const compared: string[] = [];
  const auth = new BasicAuth(async (password, hash) => {
    compared.push(`${password} ${hash}`);
    return hash === `hash-of-${password}`;
  });
  return { auth, compared };
}

test("basic auth: the right password passes, anything else does not", async () => {
  const { auth } = counting();
  assert.deepEqual(await auth.check(header("joe:secret"), users), { user: "joe" });
  assert.equal(await auth.check(header("joe:secret2"), users), undefined);
  assert.equal(await auth.check(header("joe"), users), undefined);
  assert.equal(await auth.check("Bearer x", users), undefined);
  assert.equal(await auth.check(undefined, users), undefined);
});

test("basic auth: an unknown user costs one comparison too, and never passes", async () => {
  const { compared } = counting();
  const always = new BasicAuth(async (password) => {
    compared.push(password);
    return true;
  });
  assert.equal(await always.check(header("eve:x"), users), undefined);
  assert.deepEqual(compared, ["x"]);
});

test("basic auth: results are remembered, also wrong ones, and equal checks under way are made once", async () => {
  const { auth, compared } = counting();
  await Promise.all([1, 2, 3].map(() => auth.check(header("joe:secret"), users)));
  await auth.check(header("joe:wrong"), users);
  await auth.check(header("joe:wrong"), users);
  assert.equal(compared.length, 2);
});

test("basic auth: a changed hash is compared anew", async () => {
  const { auth, compared } = counting();
  await auth.check(header("joe:secret"), users);
  assert.equal(await auth.check(header("joe:secret"), new Map([["joe", "hash-of-other"]])), undefined);
  assert.equal(compared.length, 2);
});

test("basic auth: many wrong passwords do not push a right one out", async () => {
  const { auth, compared } = counting();
  await auth.check(header("joe:secret"), users);
  for (let i = 0; i < 1000; i++) await auth.check(header(`joe:guess${i}`), users);
  await auth.check(header("joe:secret"), users);
  assert.equal(compared.filter((each) => each.startsWith("secret ")).length, 1);
});

test("basic auth: a comparison that fails is not remembered", async () => {
  let fails = true;
  const auth = new BasicAuth(async () => {
    if (fails) throw new Error("busy");
    return true;
  });
  await assert.rejects(auth.check(header("joe:secret"), users), /busy/);
  fails = false;
  assert.deepEqual(await auth.check(header("joe:secret"), users), { user: "joe" });
});
