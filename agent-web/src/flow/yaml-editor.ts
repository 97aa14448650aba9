import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup, EditorView } from "codemirror";
import type { Change } from "./edit.ts";
import type { Span } from "./text.ts";

export interface EditorOptions {
	text: string;
	/** What CodeMirror says itself, in the page's language. */
	phrases: Record<string, string>;
	label: string;
	/** The text after every change, and where the cursor stands when a person has moved it. */
	changed: (text: string) => void;
	moved: (offset: number) => void;
}

/** A place in the text with what is wrong there; lines and columns are counted from 1. */
export interface Mark {
	line: number;
	column: number;
	message: string;
}

/** The colours of the page's tokens; CodeMirror's own are made for one ground. */
const colours = HighlightStyle.define([
	{ tag: tags.propertyName, color: "var(--c-accent)" },
	{ tag: tags.definition(tags.propertyName), color: "var(--c-accent)" },
	{ tag: [tags.string, tags.special(tags.string)], color: "var(--c-ok)" },
	{ tag: tags.comment, color: "var(--c-quiet)", fontStyle: "italic" },
	{ tag: [tags.number, tags.bool, tags.keyword], color: "var(--c-agent)" },
	{ tag: tags.invalid, color: "var(--c-bad)" },
]);

const ground = EditorView.theme({
	"&": { height: "100%", backgroundColor: "var(--c-raised)", color: "var(--c-text)", fontSize: "13px" },
	"&.cm-focused": { outline: "2px solid var(--c-accent)", outlineOffset: "-2px" },
	".cm-scroller": { fontFamily: "ui-monospace, 'Cascadia Mono', Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace" },
	".cm-gutters": { backgroundColor: "var(--c-sunken)", color: "var(--c-quiet)", border: "none" },
	".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
	".cm-cursor": { borderLeftColor: "var(--c-text)" },
	"&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
		backgroundColor: "var(--c-line) !important",
	},
	".cm-selectionMatch, .cm-matchingBracket": { backgroundColor: "var(--c-sunken) !important", color: "inherit" },
	".cm-node": { backgroundColor: "var(--c-accent-soft)" },
	".cm-foldPlaceholder": { backgroundColor: "var(--c-sunken)", color: "var(--c-text)", border: "none" },
	".cm-panels": { backgroundColor: "var(--c-sunken)", color: "var(--c-text)" },
	".cm-panels input, .cm-panels button": { color: "var(--c-text)", background: "var(--c-raised)" },
	".cm-tooltip": { backgroundColor: "var(--c-raised)", color: "var(--c-text)", border: "1px solid var(--c-line)" },
	".cm-diagnostic": { maxWidth: "32rem", whiteSpace: "pre-wrap" },
	// The merge view's, by the same tokens.
	".cm-changedLine, .cm-insertedLine": { backgroundColor: "var(--c-ok-soft) !important" },
	"&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "var(--c-bad-soft) !important" },
	".cm-changedText": { background: "none !important", textDecoration: "underline", textDecorationThickness: "2px" },
	".cm-collapsedLines::before, .cm-collapsedLines::after": { content: '"⋯" !important' },
	".cm-collapsedLines": { background: "var(--c-sunken) !important", color: "var(--c-quiet) !important" },
});

/** What both the editor and the comparison look like. */
export const dress: Extension = [yaml(), ground, syntaxHighlighting(colours), EditorView.lineWrapping];

const point = StateEffect.define<Span | null>();
/** The lines of the selected node. */
const pointed = StateField.define<DecorationSet>({
	create: () => Decoration.none,
	update(marks, tr) {
		let now = marks.map(tr.changes);
		for (const e of tr.effects) {
			if (e.is(point)) now = e.value ? wholeLines(tr.state, e.value) : Decoration.none;
		}
		return now;
	},
	provide: (field) => EditorView.decorations.from(field),
});

function wholeLines(state: EditorState, { from, to }: Span): DecorationSet {
	const mark = Decoration.line({ class: "cm-node" });
	const marks = [];
	const last = state.doc.lineAt(Math.min(to, state.doc.length)).number;
	for (let n = state.doc.lineAt(Math.min(from, state.doc.length)).number; n <= last; n++) {
		marks.push(mark.range(state.doc.line(n).from));
	}
	return Decoration.set(marks);
}

/**
 * YamlEditor is CodeMirror inside a shadow root: there its styles are constructed style sheets, which the page's
 * content-security policy allows, while a style element would be refused.
 */
export class YamlEditor {
	readonly #view: EditorView;

	constructor(host: HTMLElement, options: EditorOptions) {
		const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
		root.replaceChildren();
		const box = document.createElement("div");
		box.style.height = "100%";
		root.append(box);
		this.#view = new EditorView({
			parent: box,
			root,
			state: EditorState.create({
				doc: options.text,
				extensions: [
					basicSetup,
					dress,
					lintGutter(),
					EditorState.phrases.of(options.phrases),
					pointed,
					EditorView.contentAttributes.of({ "aria-label": options.label, tabindex: "0" }),
					EditorView.updateListener.of((u) => {
						if (u.docChanged) options.changed(u.state.doc.toString());
						if (u.selectionSet && u.transactions.some((t) => t.isUserEvent("select"))) {
							options.moved(u.state.selection.main.head);
						}
					}),
				],
			}),
		});
	}

	get text(): string {
		return this.#view.state.doc.toString();
	}

	/** Edits the text so that Ctrl+Z takes it back as one step. */
	change(changes: readonly Change[]): void {
		if (changes.length > 0) this.#view.dispatch({ changes: [...changes], userEvent: "input.graph" });
	}

	replace(text: string): void {
		this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
	}

	/** Shows a node's lines; null shows none. scroll brings them into view. */
	point(span: Span | null, scroll: "scroll" | "stay"): void {
		const effects: StateEffect<unknown>[] = [point.of(span)];
		if (span && scroll === "scroll") {
			effects.push(
				EditorView.scrollIntoView(Math.min(span.from, this.#view.state.doc.length), { y: "start", yMargin: 40 }),
			);
		}
		this.#view.dispatch({ effects });
	}

	/** Puts the cursor at a place and the focus into the text. */
	go(line: number, column: number): void {
		const at = this.#offset(line, column);
		this.#view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
		this.#view.focus();
	}

	marks(list: readonly Mark[]): void {
		const found = list.map(({ line, column, message }): Diagnostic => {
			const from = this.#offset(line, column);
			const end = this.#view.state.doc.lineAt(from).to;
			const word = /^[\w./-]+/.exec(this.#view.state.sliceDoc(from, end))?.[0].length ?? 1;
			return { from, to: Math.min(end, from + word), severity: "error", message };
		});
		this.#view.dispatch(setDiagnostics(this.#view.state, found));
	}

	destroy(): void {
		this.#view.destroy();
	}

	#offset(line: number, column: number): number {
		const { doc } = this.#view.state;
		const at = doc.line(Math.min(Math.max(1, line), doc.lines));
		return Math.min(at.from + Math.max(0, column - 1), at.to);
	}
}
