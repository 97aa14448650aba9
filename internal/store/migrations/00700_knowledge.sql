-- +goose Up
-- What agents look up while they talk: articles with their versions, phrases,
-- and who likes which article. Written by package knowledge. Times are
-- milliseconds since the epoch.
CREATE TABLE knowledge_articles (
    id       TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    language TEXT NOT NULL,
    title    TEXT NOT NULL,
    keywords TEXT NOT NULL,
    text     TEXT NOT NULL,
    review   INTEGER,
    changed  INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
CREATE TABLE knowledge_versions (
    article  TEXT NOT NULL,
    version  INTEGER NOT NULL,
    language TEXT NOT NULL,
    title    TEXT NOT NULL,
    keywords TEXT NOT NULL,
    text     TEXT NOT NULL,
    changed  INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (article, version)
) STRICT, WITHOUT ROWID;
-- Three letters at a time: that finds parts of words, and Chinese, which puts
-- no spaces between its own.
CREATE VIRTUAL TABLE knowledge_index USING fts5 (id UNINDEXED, title, keywords, text, tokenize = 'trigram');
CREATE TABLE knowledge_favourites (
    user    TEXT NOT NULL,
    article TEXT NOT NULL REFERENCES knowledge_articles (id) ON DELETE CASCADE,
    PRIMARY KEY (user, article)
) STRICT, WITHOUT ROWID;
CREATE TABLE knowledge_phrases (
    id       TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    shortcut TEXT NOT NULL,
    language TEXT NOT NULL,
    text     TEXT NOT NULL,
    UNIQUE (owner, shortcut, language)
) STRICT;

-- +goose Down
DROP TABLE knowledge_phrases;
DROP TABLE knowledge_favourites;
DROP TABLE knowledge_index;
DROP TABLE knowledge_versions;
DROP TABLE knowledge_articles;
