package codec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/redis-grind/grind/kit/codec"
)

// product is what a shop keeps of an article: 550 bytes of JSON.
type product struct {
	ID          int64             `json:"id"`
	SKU         string            `json:"sku"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Price       int64             `json:"price_cents"`
	Currency    string            `json:"currency"`
	Weight      float64           `json:"weight_kg"`
	InStock     bool              `json:"in_stock"`
	Tags        []string          `json:"tags"`
	Attributes  map[string]string `json:"attributes"`
	Updated     time.Time         `json:"updated"`
}

// article makes up an article, the same one for the same i.
func article(i int) product {
	words := strings.Fields(`light heavy shoe path wet dry membrane breathes sole deep lugs heel holds without
		pressure stone forest rubber woven laces quick tongue soft padded grip ice summer winter toe cap reflects
		night rain sand dust washable leather recycled yarn seam glued stitched wide narrow stable cushion`)
	random := rand.New(rand.NewPCG(1, uint64(i)))
	text := func(n int) string {
		chosen := make([]string, n)
		for i := range chosen {
			chosen[i] = words[random.IntN(len(words))]
		}
		return strings.Join(chosen, " ")
	}
	return product{
		ID: random.Int64N(1 << 40), SKU: fmt.Sprintf("SHOE-%010d", random.Int64N(1e10)), Title: text(5), Description: text(30),
		Price: 5_000 + random.Int64N(20_000), Currency: "EUR", Weight: random.Float64(), InStock: i%3 != 0,
		Tags:       []string{words[random.IntN(len(words))], words[random.IntN(len(words))], "waterproof"},
		Attributes: map[string]string{"colour": text(1), "size": fmt.Sprint(38 + i%9), "sole": text(1), "origin": "PT", "season": text(1)},
		Updated:    time.Date(2026, 3, 14, 15, 9, i, random.IntN(1e9), time.UTC),
	}
}

// articles is a page of a catalogue: 11 KB of JSON.
func articles() []product {
	page := make([]product, 20)
	for i := range page {
		page[i] = article(i)
	}
	return page
}

// Each format by itself, and what is put around CBOR; the bytes that Redis keeps
// are reported as "stored".
//
//	go test -run '^$' -bench Codec ./kit/codec
func BenchmarkCodec(b *testing.B) {
	keys := new(codec.Keys)
	if err := keys.Add("2026-03", secret(1)); err != nil {
		b.Fatal(err)
	}
	cbor := codec.CBOR[product]()
	pages := codec.CBOR[[]product]()
	one := article(7)
	for _, c := range []struct {
		name  string
		codec codec.Codec[product]
	}{
		{"JSON", codec.JSON[product]()},
		{"CBOR", cbor},
		{"MessagePack", codec.MessagePack[product]()},
		{"Versioned", codec.Versioned(cbor, 1)},
		{"Sealed", codec.Sealed(cbor, keys)},
	} {
		bench(b, "product/"+c.name, c.codec, one)
	}
	for _, c := range []struct {
		name  string
		codec codec.Codec[[]product]
	}{
		{"JSON", codec.JSON[[]product]()},
		{"CBOR", pages},
		{"MessagePack", codec.MessagePack[[]product]()},
		{"Compressed", codec.Compressed(pages, codec.Compression{})},
		{"all", codec.Sealed(codec.Compressed(codec.Versioned(pages, 1), codec.Compression{}), keys)},
	} {
		bench(b, "page/"+c.name, c.codec, articles())
	}
	data, err := cbor.Encode("k", one)
	if err != nil {
		b.Fatal(err)
	}
	bench(b, "product/Raw", codec.Raw[[]byte](), data)
}

func bench[T any](b *testing.B, name string, c codec.Codec[T], v T) {
	data, err := c.Encode("product:4711", v)
	if err != nil {
		b.Fatal(err)
	}
	b.Run(name+"/encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Encode("product:4711", v); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(data)), "stored")
	})
	b.Run(name+"/decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Decode("product:4711", data); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The compressors that were to choose from, on what a catalogue's page is.
//
//	go test -run '^$' -bench Compressors ./kit/codec
func BenchmarkCompressors(b *testing.B) {
	for _, format := range []struct {
		name  string
		codec codec.Codec[[]product]
	}{{"JSON", codec.JSON[[]product]()}, {"CBOR", codec.CBOR[[]product]()}} {
		data, err := format.codec.Encode("k", articles())
		if err != nil {
			b.Fatal(err)
		}
		decoder, err := zstd.NewReader(nil)
		if err != nil {
			b.Fatal(err)
		}
		defer decoder.Close()
		unzstd := func(dst, src []byte) ([]byte, error) { return decoder.DecodeAll(src, dst[:0]) }
		for _, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault} {
			encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level))
			if err != nil {
				b.Fatal(err)
			}
			compress(b, format.name+"/zstd-"+level.String(), data, func(dst, src []byte) []byte { return encoder.EncodeAll(src, dst[:0]) }, unzstd)
		}
		compress(b, format.name+"/s2", data, s2.Encode, s2.Decode)
		compress(b, format.name+"/s2-better", data, s2.EncodeBetter, s2.Decode)
	}
}

func compress(b *testing.B, name string, data []byte, shrink func(dst, src []byte) []byte, grow func(dst, src []byte) ([]byte, error)) {
	room := make([]byte, 2*len(data))
	small := append([]byte{}, shrink(room, data)...)
	b.Run(name+"/compress", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			shrink(room, data)
		}
		b.ReportMetric(float64(len(small)), "stored")
	})
	b.Run(name+"/decompress", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := grow(room, small); err != nil {
				b.Fatal(err)
			}
		}
	})
}
