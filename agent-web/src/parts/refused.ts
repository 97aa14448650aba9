import { refusalsZh } from "../i18n/zh.refusals.ts";
import { sentences } from "./shapes.ts";

const chinese = sentences(refusalsZh);

/** Why the server does not do something, in Chinese; what is new to us as it came. */
export function refusedZh(why: string): string {
	return chinese(why, refusedZh) ?? why;
}
