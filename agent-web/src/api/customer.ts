import type { Schemas } from "./types.ts";

// What the API says of customers, articles and phrases.
export type Customer = Schemas["Customer"];
export type Person = Schemas["CustomersPerson"];
export type EarlierCall = Schemas["EarlierCall"];
export type OpenTask = Schemas["OpenTask"];
export type Found = Schemas["KnowledgeFound"];
export type Article = Schemas["KnowledgeArticle"];
export type ArticleText = Schemas["ArticleText"];
export type Phrase = Schemas["KnowledgePhrase"];
