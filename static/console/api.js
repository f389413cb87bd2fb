/** The operator's REST of the server, with what can go wrong in words. See docs/outreach-api.md. */
import { keyHeaders } from "../key.js";

const PATIENCE_MS = 10_000;

/**
 * A request that did not do what was asked. kind: "gone" (no answer), "key" (401), "forbidden"
 * (403), "missing" (404), "wrong" (what was sent is not right), "unavailable" (503), "failed".
 * problems: [{line, message}] of a rule that is not right.
 */
export class ApiError extends Error {
  constructor(kind, message, problems = []) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { kind, problems });
  }
}

const KINDS = { 401: "key", 403: "forbidden", 404: "missing", 503: "unavailable" };

/** Path segments from words that may hold anything. */
export function path(...segments) {
  return ["v1", ...segments.map(encodeURIComponent)].join("/");
}

export const get = (address, query = {}) => request("GET", withQuery(address, query));
export const post = (address, body) => request("POST", address, body);
export const put = (address, body) => request("PUT", address, body);
export const remove = (address) => request("DELETE", address);

function withQuery(address, query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined);
  return given.length ? `${address}?${new URLSearchParams(given)}` : address;
}

async function request(method, address, body) {
  const headers = { ...keyHeaders, ...(body !== undefined && { "Content-Type": "application/json" }) };
  const options = { method, headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body !== undefined) options.body = JSON.stringify(body);
  return answered(await reached(address, options));
}

/** The reply's headers are there. Throws ApiError "gone" if they never come. */
export async function reached(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (options.signal?.reason === LEFT) throw error;
    throw new ApiError("gone", "The server does not answer.");
  }
}

/** As an AbortController's reason: the person went elsewhere, which is no trouble. */
export const LEFT = "left";

async function answered(reply) {
  const told = await reply.json().catch(() => null);
  if (!reply.ok) throw refusal(reply.status, told ?? {});
  if (told === null) throw new ApiError("gone", "The server's answer broke off.");
  return told;
}

/** The error that an answer with that status and JSON means. */
export function refusal(status, told) {
  const kind = KINDS[status] ?? (status < 500 ? "wrong" : "failed");
  const message = told.error?.message ?? `The server answered ${status}.`;
  return new ApiError(kind, message, told.problems ?? told.error?.problems ?? []);
}
