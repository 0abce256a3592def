package codec_test

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redis-grind/grind/kit/codec"
)

// order is small, and has each kind whose encoding is a choice of ours.
type order struct {
	ID     int64     `json:"id"`
	Note   string    `json:"note"`
	Placed time.Time `json:"placed"`
	Blob   []byte    `json:"blob"`
	Absent *int      `json:"absent"`
}

func golden() order {
	return order{ID: 300, Note: strings.Repeat("a<b ", 12), Placed: time.Date(2026, 3, 14, 15, 9, 26, 500, time.UTC), Blob: []byte{0, 1}}
}

// stored are bytes of the day on which the formats were fixed. What a program
// wrote then is read in a year: a change here is a change for all who have
// values in Redis, and needs a new format byte.
var stored = map[string]string{
	"json":        "7b226964223a3330302c226e6f7465223a22613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220222c22706c61636564223a22323032362d30332d31345431353a30393a32362e303030303030355a222c22626c6f62223a224141453d222c22616273656e74223a6e756c6c7d",
	"cbor":        "a562696419012c646e6f74657830613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c622066706c61636564c0781c323032362d30332d31345431353a30393a32362e303030303030355a64626c6f6242000166616273656e74f6",
	"messagepack": "85a26964cd012ca46e6f7465d930613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220a6706c61636564d7ff000007d069b57a26a4626c6f62c4020001a6616273656e74c0",
	"versioned":   "1cac02a562696419012c646e6f74657830613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c6220613c622066706c61636564c0781c323032362d30332d31345431353a30393a32362e303030303030355a64626c6f6242000166616273656e74f6",
	"compressed":  "28b52ffd0400d50200c245141b606b036dfaa2b3d11089dcb84ab71fd7958b9b7a6d548afcf39c010fc61a0d7fda62a4fa2e1818663c1d96df08a56ddbc0927050549083004149d1929ac69b95506cf10d48821a5f8fd3be36c11bc58e01541302243a9c796315",
	"sealed":      "1d07323032362d3033216288bc2d0f2355ad43debe2ef39b16f761850da750458fea01a600ee5fbbda5c9fe89b377be45887ced8d825b00949039c8f2f594e8115776bac78685e25d4ae987c5f5515e26473f8f5bacd3548c2b593741d5feff31be0bb511e07392a305d0bef3f158322c99e9a5c0bf0a403592ae78bc52b7472f21ccd09e820fea14d6294a7cb1e6ab2873141095cc8e666c9",
	"all":         "1d07323032362d3033bb88de2a325a8587aacc1d0b738a5189c727dc7d601aaad3c6c2fde60fe9df614c2e843a69523a57aecebc5285f2f6d0dec9d39ddcf80da2117adb25a4a45c52f3b7ef244d56067118630d71c31e76506f0914656633978afefb72d5bd7a75e3b12ececdedefb995d5ad891443c8e2da3dd46088990f4a89d7728b3dbb8f36e51860c415f4",
}

func goldenCodecs(t testing.TB) map[string]codec.Codec[order] {
	t.Helper()
	keys := new(codec.Keys)
	if err := keys.Add("2026-03", secret(1)); err != nil {
		t.Fatal(err)
	}
	cbor := codec.CBOR[order]()
	return map[string]codec.Codec[order]{
		"json":        codec.JSON[order](),
		"cbor":        cbor,
		"messagepack": codec.MessagePack[order](),
		"versioned":   codec.Versioned(cbor, 300),
		"compressed":  codec.Compressed(codec.JSON[order](), codec.Compression{Above: 1}),
		"sealed":      codec.Sealed(cbor, keys),
		"all":         codec.Sealed(codec.Compressed(codec.Versioned(codec.JSON[order](), 1), codec.Compression{Above: 1}), keys),
	}
}

func TestGolden_read(t *testing.T) {
	for name, c := range goldenCodecs(t) {
		data, err := hex.DecodeString(stored[name])
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decode("order:300", data)
		got.Placed = got.Placed.UTC()
		if diff := cmp.Diff(golden(), got); diff != "" || err != nil {
			now, _ := c.Encode("order:300", golden())
			t.Errorf("%s: %v, now it writes %x (-want +got):\n%s", name, err, now, diff)
		}
	}
}

// What has no choice in it (a nonce, what a compressor finds) is written as it
// was, byte for byte.
func TestGolden_write(t *testing.T) {
	for name, c := range goldenCodecs(t) {
		got, err := c.Encode("order:300", golden())
		if err != nil {
			t.Fatal(err)
		}
		prefix := map[string]string{
			"compressed": "28b52ffd",           // RFC 8878, 3.1.1
			"sealed":     "1d07323032362d3033", // format, length of id, id
			"all":        "1d07323032362d3033",
		}[name]
		if prefix == "" {
			prefix = stored[name]
		}
		if !strings.HasPrefix(hex.EncodeToString(got), prefix) {
			t.Errorf("%s: got %x, want %s", name, got, prefix)
		}
	}
}
