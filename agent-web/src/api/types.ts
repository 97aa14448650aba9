import type { components } from "./schema.d.ts";

/** The JSON of /api/v1 by the names of its own document, which schema.d.ts is made of (make schema). */
export type Schemas = components["schemas"];

export type Session = Schemas["Session"];
export type Info = Schemas["Info"];
export type Call = Schemas["CallRecord"];
export type CallDetail = Omit<Schemas["CallDetail"], "timeline"> & { timeline: TimelineEvent[] | null };
/** data is by the kind; docs/architecture.md has the table. */
export type TimelineEvent = Omit<Schemas["CallTimelineEvent"], "data"> & { data: Record<string, unknown> | null };
export type TagCount = Schemas["CallTagCount"];
export type Recording = Schemas["RecordingsInfo"];
export type Peaks = Schemas["RecordingsPeaks"];
export type VerifyReport = Schemas["RecordingsReport"];
export type User = Schemas["User"];
export type AuditEntry = Schemas["Entry"];
/** Where a call can go now. */
export type Targets = Schemas["Targets"];
export type NewUser = Schemas["NewUser"];
export type UserChange = Schemas["UserChange"];
