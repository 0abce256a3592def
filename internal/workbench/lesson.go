package workbench

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"github.com/alecthomas/chroma/v2"
	codehtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"

	"github.com/redis-grind/grind/internal/unit"
)

// lessonHTML renders a unit's text below its title and lead: a first heading
// goes, and so does a first paragraph that is the lead.
func lessonHTML(source []byte, lead string, terms ...unit.Defined) (template.HTML, error) {
	source = bytes.TrimSpace(source)
	if rest, ok := bytes.CutPrefix(source, []byte("# ")); ok {
		_, source, _ = bytes.Cut(rest, []byte("\n"))
	}
	first, rest, _ := bytes.Cut(bytes.TrimSpace(source), []byte("\n\n"))
	if strings.Join(strings.Fields(string(first)), " ") == lead {
		source = rest
	}
	return markdownHTML(source, terms...)
}

// markdownHTML renders text, with links to the glossary for terms. Raw HTML in it is left out, and code is coloured by
// classes.
func markdownHTML(source []byte, terms ...unit.Defined) (template.HTML, error) {
	md := goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), extension.Typographer),
		goldmark.WithParserOptions(parser.WithAutoHeadingID(), linking(terms)),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(codeBlocks{}, 100))),
	)
	var out bytes.Buffer
	if err := md.Convert(source, &out, parser.WithContext(newHeadings())); err != nil {
		return "", fmt.Errorf("workbench: render the lesson: %w", err)
	}
	return template.HTML(out.String()), nil //nolint:gosec // goldmark escapes all text and drops raw HTML
}

// codeBlocks draws fenced code, and tables so that a wide one scrolls by itself.
type codeBlocks struct{}

// RegisterFuncs takes the place of goldmark's own drawing of code.
func (codeBlocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, drawCode)
}

func drawCode(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkSkipChildren, nil
	}
	block := node.(*ast.FencedCodeBlock)
	var code strings.Builder
	for i := range block.Lines().Len() {
		line := block.Lines().At(i)
		code.Write(line.Value(source))
	}
	language := string(block.Language(source))
	_, err := w.WriteString(string(codeHTML(language, code.String())))
	return ast.WalkSkipChildren, err
}

// formatter writes classes, never styles: the page's policy refuses those.
var formatter = codehtml.New(codehtml.WithClasses(true), codehtml.PreventSurroundingPre(true))

// codeHTML colours code by the classes of code.css. It can be reached by the
// keyboard, because wide code scrolls.
func codeHTML(language, code string) template.HTML {
	class := "code"
	if language == "console" {
		class = "code console"
	}
	var out strings.Builder
	out.WriteString(`<pre class="` + class + `" tabindex="0"><code>`)
	if body, err := coloured(language, code); err == nil {
		out.WriteString(body)
	} else {
		template.HTMLEscape(&out, []byte(code))
	}
	out.WriteString("</code></pre>\n")
	return template.HTML(out.String()) //nolint:gosec // chroma escapes the code it colours
}

func coloured(language, code string) (string, error) {
	lexer := lexers.Get(language)
	if lexer == nil {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = formatter.Format(&out, styles.Fallback, tokens)
	return out.String(), err
}

// tick is a run of text in or out of backquotes.
type tick struct {
	Text string
	Code bool
}

// ticks splits a sentence of ours at its backquotes, to show commands as code.
func ticks(s string) []tick {
	var out []tick
	for i, text := range strings.Split(s, "`") {
		if text != "" {
			out = append(out, tick{text, i%2 == 1})
		}
	}
	return out
}
