import type { Key } from "../i18n/translate.ts";
import type { App } from "../state/app.svelte.ts";

/** What the server composes of a name or a figure. */
const COMPOSED: readonly [RegExp, Key][] = [
	[/^(.+) tore the call down$/, "endhow.torn"],
	[/^no audio came from the phone for (.+)$/, "endhow.silent"],
	[/^handed to line (.+)$/, "endhow.line"],
	[/^the flow ended the call at (.+)$/, "endhow.flow"],
	[/^the flow ended at (.+)$/, "endhow.flowend"],
	[/^the flow failed at (.+)$/, "endhow.flowfail"],
];

/** Why a call ended, in the language of the page; what follows a colon, and a reason that is new to us, as it came. */
export function endWords(app: Pick<App, "t" | "word">, why: string): string {
	for (const [shape, key] of COMPOSED) {
		const found = shape.exec(why);
		if (found) return app.t(key, { n: found[1] ?? "" });
	}
	const whole = app.word("endwhy", why);
	const colon = why.indexOf(": ");
	if (whole !== why || colon < 0) return whole;
	return app.word("endwhy", why.slice(0, colon)) + why.slice(colon);
}
