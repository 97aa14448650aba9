package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
	"callfloor/knowledge"
)

// Knowledge is what agents look up; knowledge.Base is it.
type Knowledge interface {
	Search(ctx context.Context, user, language, text string) ([]knowledge.Found, error)
	Article(ctx context.Context, user, id string) (knowledge.Article, error)
	Versions(ctx context.Context, id string) ([]knowledge.Article, error)
	Save(ctx context.Context, by string, a knowledge.Article) (knowledge.Article, error)
	Remove(ctx context.Context, id string) error
	Like(ctx context.Context, user, id string, on bool) error
	Phrases(ctx context.Context, user string) ([]knowledge.Phrase, error)
	SavePhrase(ctx context.Context, user string, p knowledge.Phrase) (knowledge.Phrase, error)
	RemovePhrase(ctx context.Context, user, id string, shared bool) error
}

// The actions on articles in the audit log.
const (
	ActionArticleSave   Action = "article_save"
	ActionArticleRemove Action = "article_remove"
)

type searchInput struct {
	Q        string `query:"q" maxLength:"200" doc:"words that must all be there; empty lists favourites and what is new"`
	Language string `query:"language" maxLength:"10" doc:"en or zh; empty is every one"`
}

// ArticlePath is the article that a path names; huma reads it where it is
// embedded, so it is exported.
type ArticlePath struct {
	ID string `path:"id" maxLength:"64"`
}

// ArticleText is what somebody writes.
type ArticleText struct {
	Version  int        `json:"version" minimum:"0" doc:"the one that was read; 0 for a new article"`
	Language string     `json:"language" minLength:"2" maxLength:"10"`
	Title    string     `json:"title" minLength:"1" maxLength:"800"`
	Keywords string     `json:"keywords,omitempty" maxLength:"2000"`
	Text     string     `json:"text" minLength:"1" maxLength:"200000"`
	Review   *time.Time `json:"review,omitempty" doc:"when somebody must look whether it still holds"`
}

type newArticleInput struct{ Body ArticleText }

type articleInput struct {
	ArticlePath
	Body ArticleText
}

type phraseInput struct {
	Body struct {
		Shared   bool   `json:"shared,omitempty" doc:"everybody's; for supervisors and administrators"`
		Shortcut string `json:"shortcut" minLength:"1" maxLength:"120"`
		Language string `json:"language" minLength:"2" maxLength:"10"`
		Text     string `json:"text" minLength:"1" maxLength:"8000"`
	}
}

func (s *Server) knowledgeRoutes(h huma.API) {
	const articles, one = "/api/v1/articles", "/api/v1/articles/{id}"
	k := s.opts.Knowledge
	register(s, h, operation{id: "search-articles", method: http.MethodGet, path: articles, summary: "Search the knowledge", access: accessAgent},
		func(ctx context.Context, in *searchInput) (*body[[]knowledge.Found], error) {
			found, err := k.Search(ctx, identityIn(ctx).User, in.Language, in.Q)
			return &body[[]knowledge.Found]{found}, err
		})
	register(s, h, operation{id: "show-article", method: http.MethodGet, path: one, summary: "One article", access: accessAgent},
		func(ctx context.Context, in *ArticlePath) (*body[knowledge.Article], error) {
			a, err := k.Article(ctx, identityIn(ctx).User, in.ID)
			return &body[knowledge.Article]{a}, err
		})
	register(s, h, operation{id: "list-article-versions", method: http.MethodGet, path: one + "/versions", summary: "What an article said before", access: accessAgent},
		func(ctx context.Context, in *ArticlePath) (*body[[]knowledge.Article], error) {
			list, err := k.Versions(ctx, in.ID)
			return &body[[]knowledge.Article]{list}, err
		})
	register(s, h, operation{id: "add-article", method: http.MethodPost, path: articles, summary: "Write an article", access: accessSupervisor, body: 1 << 20, status: http.StatusCreated},
		func(ctx context.Context, in *newArticleInput) (*body[knowledge.Article], error) {
			return s.saveArticle(ctx, "", in.Body)
		})
	register(s, h, operation{id: "change-article", method: http.MethodPut, path: one, summary: "Change an article; what it said is kept", access: accessSupervisor, body: 1 << 20},
		func(ctx context.Context, in *articleInput) (*body[knowledge.Article], error) {
			return s.saveArticle(ctx, in.ID, in.Body)
		})
	register(s, h, operation{id: "remove-article", method: http.MethodDelete, path: one, summary: "Take an article away; its versions stay", access: accessSupervisor, status: http.StatusNoContent},
		func(ctx context.Context, in *ArticlePath) (*struct{}, error) {
			if err := k.Remove(ctx, in.ID); err != nil {
				return nil, err
			}
			return nil, s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionArticleRemove, Target: in.ID})
		})
	for method, on := range map[string]bool{http.MethodPut: true, http.MethodDelete: false} {
		register(s, h, operation{id: map[bool]string{true: "like", false: "unlike"}[on] + "-article", method: method, path: one + "/favourite", summary: "Make an article a favourite of one's own, or no more", access: accessAgent, status: http.StatusNoContent},
			func(ctx context.Context, in *ArticlePath) (*struct{}, error) {
				return nil, k.Like(ctx, identityIn(ctx).User, in.ID, on)
			})
	}
	s.phraseRoutes(h)
}

func (s *Server) saveArticle(ctx context.Context, id string, t ArticleText) (*body[knowledge.Article], error) {
	by := identityIn(ctx).User
	a, err := s.opts.Knowledge.Save(ctx, by, knowledge.Article{
		ID: id, Version: t.Version, Language: t.Language, Title: t.Title, Keywords: t.Keywords, Text: t.Text, Review: t.Review,
	})
	if err != nil {
		return nil, err
	}
	err = s.audit.Record(ctx, Entry{Who: by, Action: ActionArticleSave, Target: a.ID, Details: map[string]any{"version": a.Version, "title": a.Title}})
	return &body[knowledge.Article]{a}, err
}

func (s *Server) phraseRoutes(h huma.API) {
	const phrases = "/api/v1/phrases"
	k := s.opts.Knowledge
	register(s, h, operation{id: "list-phrases", method: http.MethodGet, path: phrases, summary: "Everybody's phrases and one's own", access: accessAgent},
		func(ctx context.Context, _ *struct{}) (*body[[]knowledge.Phrase], error) {
			list, err := k.Phrases(ctx, identityIn(ctx).User)
			return &body[[]knowledge.Phrase]{list}, err
		})
	register(s, h, operation{id: "save-phrase", method: http.MethodPut, path: phrases, summary: "Keep a phrase, in the place of the one with its shortcut and language", access: accessAgent},
		func(ctx context.Context, in *phraseInput) (*body[knowledge.Phrase], error) {
			who := identityIn(ctx)
			if in.Body.Shared && who.Role == contact.RoleAgent {
				return nil, contact.Errorf(contact.Forbidden, "everybody's phrases are written by supervisors; leave shared out for one of your own")
			}
			p, err := k.SavePhrase(ctx, who.User, knowledge.Phrase{Shared: in.Body.Shared, Shortcut: in.Body.Shortcut, Language: in.Body.Language, Text: in.Body.Text})
			return &body[knowledge.Phrase]{p}, err
		})
	register(s, h, operation{id: "remove-phrase", method: http.MethodDelete, path: phrases + "/{id}", summary: "Take a phrase away", access: accessAgent, status: http.StatusNoContent},
		func(ctx context.Context, in *ArticlePath) (*struct{}, error) {
			who := identityIn(ctx)
			return nil, k.RemovePhrase(ctx, who.User, in.ID, who.Role != contact.RoleAgent)
		})
}
