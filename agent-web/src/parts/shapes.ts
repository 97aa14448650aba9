/** Sentences of the server's with what they are in another language; {1} is a name or a figure, {=1} another sentence. */
export type Sentences = readonly (readonly [english: string, other: string])[];

/** Takes a sentence apart by the table's shapes; undefined if it is none of them. within says what stands in a {=1}. */
export function sentences(table: Sentences): (text: string, within: (part: string) => string) => string | undefined {
	// The surest first: "recording paused" before "recording {1}". Several problems of a file are a line each.
	const shapes = table
		.map(([english, other]) => ({
			shape: new RegExp(`^${english.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\d\}/g, "([^]+)")}$`),
			other,
			fixed: english.replace(/\{\d\}/g, "").length,
		}))
		.sort((a, b) => b.fixed - a.fixed);
	return (text, within) => {
		for (const { shape, other } of shapes) {
			const found = shape.exec(text);
			if (!found) continue;
			return other.replace(/\{(=?)(\d)\}/g, (_, sentence: string, n: string) => {
				const part = found[Number(n)] ?? "";
				return sentence ? within(part) : part;
			});
		}
		return undefined;
	};
}
