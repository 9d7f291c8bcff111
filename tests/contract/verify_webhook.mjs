// Verifies a Standard Webhook as the specification says, in another language than the sender: exits with 0 if it is genuine.
// Input: one JSON object {secret, headers, body, now}; the body in base64, now in seconds.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const { secret, headers, body, now } = JSON.parse(readFileSync(0, "utf8"));
const id = headers["webhook-id"];
const at = headers["webhook-timestamp"];
const given = headers["webhook-signature"];
if (!id || !/^\d+$/.test(at ?? "") || !given || Math.abs(now - Number(at)) > 300) process.exit(1);

const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
const expected = createHmac("sha256", key).update(`${id}.${at}.`).update(Buffer.from(body, "base64")).digest();
const isGenuine = given.split(" ").some((part) => {
  const [version, text] = part.split(",", 2);
  const signature = Buffer.from(text ?? "", "base64");
  return version === "v1" && signature.length === expected.length && timingSafeEqual(signature, expected);
});
process.exit(isGenuine ? 0 : 1);
