import type { Label, TagGroup, Tags } from "../phone/views.ts";

type Named = { id: string; label: Label };

/** What a call is tagged with in words, in the order of the groups; what the configuration no longer has stands by its ID. */
export function tagged(
	groups: readonly TagGroup[],
	tags: Tags | undefined,
	label: (of: Named) => string,
): { group: string; tags: string }[] {
	const chosen = Object.entries(tags ?? {}).filter(([, ids]) => ids.length > 0);
	const place = (id: string) => (groups.findIndex((g) => g.id === id) + groups.length + 1) % (groups.length + 1);
	return chosen
		.toSorted(([a], [b]) => place(a) - place(b))
		.map(([id, ids]) => {
			const group = groups.find((g) => g.id === id);
			const word = (tag: string) => {
				const known = group?.tags?.find((t) => t.id === tag);
				return known ? label(known) : tag;
			};
			return { group: group ? label(group) : id, tags: ids.map(word).join(", ") };
		});
}

/** The same as one line. */
export function tagLine(groups: readonly TagGroup[], tags: Tags | undefined, label: (of: Named) => string): string {
	return tagged(groups, tags, label)
		.map((t) => `${t.group}: ${t.tags}`)
		.join(" · ");
}
