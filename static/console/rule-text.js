/** What a rule looks like before anybody has written anything. */

export const FIRST_TEXT = `name: order_ready
description: Tells people that what they ordered is ready.
status: draft
purpose: orders
trigger: {event: order.ready}
say: "Your {event.data.drink} is ready at the counter."
reason: You ordered it.
delivery: {priority: high, offline: wait}
policy: {ttl: 15m, cap: 3 per day, consent: opt_out}
cancel_on: [order.collected]
`;

/** The name that a rule's text gives it, "" if none. */
export function nameIn(text) {
  const found = /^(?:\s*-)?\s*name:\s*["']?([^"'\s#]+)/m.exec(text);
  return found?.[1] ?? "";
}
