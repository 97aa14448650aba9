import type { Key } from "../i18n/translate.ts";
import type { App } from "../state/app.svelte.ts";

/** The server's reasons for choosing an agent (acd/reasons.go), with the place of their figure. */
const REASONS: readonly [RegExp, Key][] = [
	[/^longest idle (\d+) s$/, "reason.idle"],
	[/^fewest calls today, (\d+)$/, "reason.calls"],
	[/^talked least today, (\d+) s$/, "reason.talked"],
	[/^next in turn$/, "reason.turn"],
	[/^drawn$/, "reason.drawn"],
	[/^its share is due, weight (\d+)$/, "reason.share"],
	[/^first on the list who is free$/, "reason.first"],
	[/^all who are free ring$/, "reason.all"],
	[/^spoke with this caller last$/, "reason.last"],
	[/^spoke with this caller until the browser went away$/, "reason.gone"],
	[/^asked for by name, beside another call$/, "reason.name"],
	[/^the caller is a VIP$/, "reason.vip"],
	[/^priority (-?\d+)$/, "reason.priority"],
	[/^has the preferred (.+)$/, "reason.preferred"],
	[/^has (.+)$/, "reason.has"],
];

/** Why this agent was chosen, in the language of the page; a reason that is new to us as it came. */
export function reasonWords(app: Pick<App, "t">, reason: string): string {
	return reason
		.split(/(?:; |, (?=has ))/)
		.map((part) => {
			for (const [shape, key] of REASONS) {
				const found = shape.exec(part);
				if (found) return app.t(key, { n: found[1] ?? "" });
			}
			return part;
		})
		.join("; ");
}
