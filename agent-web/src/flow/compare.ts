import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { dress } from "./yaml-editor.ts";

/** Shows two texts side by side, in a shadow root as YamlEditor does; returns the way out. */
export function compare(
	host: HTMLElement,
	before: string,
	after: string,
	labels: [string, string],
	phrases: Record<string, string>,
): () => void {
	const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
	root.replaceChildren();
	const side = (doc: string, label: string, name: string) => ({
		doc,
		extensions: [
			lineNumbers(),
			EditorState.phrases.of(phrases),
			dress,
			EditorState.readOnly.of(true),
			EditorView.editable.of(false),
			EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
			EditorView.editorAttributes.of({ class: name }),
		],
	});
	const view = new MergeView({
		a: side(before, labels[0], "cm-merge-a"),
		b: side(after, labels[1], "cm-merge-b"),
		parent: root,
		root,
		collapseUnchanged: { margin: 3, minSize: 6 },
	});
	return () => view.destroy();
}

export interface ChangedLine {
	/** In the text before or after, counted from 1. */
	line: number;
	sign: "+" | "-";
	text: string;
}

/** The lines that went and came between two texts: the longest common run of lines stays. */
export function changedLines(before: string, after: string): ChangedLine[] {
	const a = before.split("\n");
	const b = after.split("\n");
	let head = 0;
	while (head < a.length && head < b.length && a[head] === b[head]) head++;
	let tail = 0;
	while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
	return middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail), head);
}

/** Above this many pairs of lines nobody compares them one by one: all went, all came. */
const MOST = 4_000_000;

const gone =
	(offset: number, sign: "+" | "-") =>
	(text: string, i: number): ChangedLine => ({ line: offset + i + 1, sign, text });

function middle(a: string[], b: string[], offset: number): ChangedLine[] {
	if (a.length * b.length > MOST) return [...a.map(gone(offset, "-")), ...b.map(gone(offset, "+"))];
	const width = b.length + 1;
	const common = new Uint32Array((a.length + 1) * width); // of the rests from i and j on
	for (let i = a.length - 1; i >= 0; i--) {
		for (let j = b.length - 1; j >= 0; j--) {
			common[i * width + j] =
				a[i] === b[j]
					? (common[(i + 1) * width + j + 1] ?? 0) + 1
					: Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0);
		}
	}
	const out: ChangedLine[] = [];
	let i = 0;
	let j = 0;
	while (i < a.length || j < b.length) {
		if (i < a.length && j < b.length && a[i] === b[j]) {
			i++;
			j++;
		} else if (
			j >= b.length ||
			(i < a.length && (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
		) {
			out.push({ line: offset + i + 1, sign: "-", text: a[i] ?? "" });
			i++;
		} else {
			out.push({ line: offset + j + 1, sign: "+", text: b[j] ?? "" });
			j++;
		}
	}
	return out;
}
