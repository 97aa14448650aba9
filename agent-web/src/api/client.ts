import type { ErrorCode } from "../phone/protocol.ts";
import type {
	AuditEntry,
	Call,
	CallDetail,
	Info,
	NewUser,
	Peaks,
	Recording,
	Session,
	TagCount,
	Targets,
	User,
	UserChange,
	VerifyReport,
} from "./types.ts";

/** Why a request failed. "lost": no answer came. */
export class ApiError extends Error {
	constructor(
		readonly code: ErrorCode | "lost" | "password_change_required",
		message: string,
		readonly status: number,
		readonly retryAfterS: number | null = null,
	) {
		super(message);
	}
}

/** Api speaks HTTP to the server we came from; the session is a cookie that scripts cannot read. */
export class Api {
	/** unauthorized is told whenever the server says that we are signed out. */
	constructor(
		private readonly unauthorized: () => void = () => undefined,
		private readonly fetcher: typeof fetch = (...args) => fetch(...args),
	) {}

	info = () => this.#get<Info>("info");
	session = () => this.#get<Session>("session");
	signIn = (user: string, password: string) => this.#ask<Session>("POST", "session", { user, password });
	signOut = () => this.#ask<void>("DELETE", "session");
	changePassword = (old: string, fresh: string) => this.#ask<void>("PUT", "password", { old, new: fresh });

	/** Keeps one's own choices, of two the newer one; answers all. */
	preferences = (choices: Record<string, { value: unknown; changed: number }>) =>
		this.#ask<Record<string, { value: unknown; changed: number }>>("PUT", "preferences", choices);

	calls = (query: { limit?: number; before?: string; before_id?: string; agent?: string; tag?: string } = {}) =>
		this.#get<Call[]>(`calls?${asked(query)}`);
	/** Where all calls with a tag ("" is any) are as CSV; each download is in the audit log. */
	callsURL = (tag: string) => `/api/v1/calls.csv?${asked({ tag })}`;
	/** How many calls since then have each tag. */
	tagCounts = (from: Date) => this.#get<TagCount[]>(`tag-counts?${new URLSearchParams({ from: from.toISOString() })}`);
	call = (id: string) => this.#get<CallDetail>(`calls/${encodeURIComponent(id)}`);

	recording = (id: string) => this.#get<Recording>(`recordings/${encodeURIComponent(id)}`);
	peaks = (id: string) => this.#get<Peaks>(`recordings/${encodeURIComponent(id)}/peaks?n=1000`);
	verify = (id: string) => this.#ask<VerifyReport>("POST", `recordings/${encodeURIComponent(id)}/verify`, {});
	/** Where the recording's audio is; each play-back is in the audit log. */
	audioURL = (id: string) => `/api/v1/recordings/${encodeURIComponent(id)}/audio`;
	/** The same as a file to keep, which the audit log tells apart. */
	exportURL = (id: string) => `${this.audioURL(id)}?export=true`;

	targets = (q: string) => this.#get<Targets>(`targets?${new URLSearchParams({ q })}`);

	/** What everybody is called, by user. */
	names = () => this.#get<Record<string, string>>("names");
	users = () => this.#get<User[]>("users");
	addUser = (user: NewUser) => this.#ask<User>("POST", "users", user);
	changeUser = (user: string, fields: UserChange) =>
		this.#ask<User>("PATCH", `users/${encodeURIComponent(user)}`, fields);
	/** The newest entries of the audit log, or of those before one. */
	audit = (query: { limit: number; before?: number }) => this.#get<AuditEntry[]>(`audit?${asked(query)}`);
	demoCall = (call: { line: string; keys: string; play: string; for: number }) =>
		this.#ask<unknown>("POST", "demo/call", call);

	/** For parts of the API with a file of their own; a Blob goes as it is. */
	request = <T>(method: string, path: string, body?: unknown) => this.#ask<T>(method, path, body);

	#get<T>(path: string): Promise<T> {
		return this.#ask<T>("GET", path);
	}

	async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
		const headers: Record<string, string> = { Accept: "application/json" };
		const raw = body instanceof Blob ? body : null;
		if (body !== undefined) headers["Content-Type"] = raw ? raw.type : "application/json";
		let response: Response;
		try {
			response = await this.fetcher(`/api/v1/${path}`, {
				method,
				headers,
				body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
			});
		} catch {
			throw new ApiError("lost", "", 0);
		}
		const text = await response.text();
		const json = parse(text);
		if (response.ok) return json as T;
		const error = apiError(response, json);
		if (response.status === 401 && path !== "session") this.unauthorized();
		throw error;
	}
}

function parse(text: string): unknown {
	try {
		return text === "" ? undefined : JSON.parse(text);
	} catch {
		return undefined;
	}
}

function apiError(response: Response, json: unknown): ApiError {
	const { code, message } = (json ?? {}) as { code?: ErrorCode; message?: string };
	const retry = Number(response.headers.get("Retry-After"));
	const lost = response.status >= 502 && response.status <= 504 && !code;
	return new ApiError(code ?? (lost ? "lost" : "internal"), message ?? "", response.status, retry > 0 ? retry : null);
}

/** What of a query says something. */
function asked(query: Record<string, string | number | undefined>): URLSearchParams {
	const q = new URLSearchParams();
	for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== "") q.set(k, String(v));
	return q;
}
