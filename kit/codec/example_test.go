package codec_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis-grind/grind/kit/codec"
)

// Account is what the examples store.
type Account struct {
	Name  string `json:"name"`
	Cents int64  `json:"cents"`
}

func ExampleCBOR() {
	accounts := codec.CBOR[Account]()
	data, err := accounts.Encode("account:7", Account{"Ada", 1200})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q\n", data) // as redis-cli shows it
	account, err := accounts.Decode("account:7", data)
	fmt.Println(account, err)
	_, err = accounts.Decode("account:7", data[:5])
	fmt.Println(errors.Is(err, codec.ErrTruncated), err)
	// Output:
	// "\xa2dnamecAdaecents\x19\x04\xb0"
	// {Ada 1200} <nil>
	// true codec: decode cbor: truncated: unexpected EOF
}

func ExampleJSON() {
	data, err := codec.JSON[Account]().Encode("account:7", Account{"Ada", 1200})
	fmt.Println(string(data), err)
	// Output: {"name":"Ada","cents":1200} <nil>
}

func ExampleMessagePack() {
	data, err := codec.MessagePack[Account]().Encode("account:7", Account{"Ada", 1200})
	fmt.Printf("%q %v\n", data, err)
	// Output: "\x82\xa4name\xa3Ada\xa5cents\xcd\x04\xb0" <nil>
}

func ExampleRaw() {
	pages := codec.Raw[string]()
	data, err := pages.Encode("page:/", "<html>")
	fmt.Println(string(data), err)
	// Output: <html> <nil>
}

func ExampleCompressed() {
	pages := codec.Compressed(codec.Raw[string](), codec.Compression{})
	for _, page := range []string{"<html>", strings.Repeat("<li>item</li>", 100)} {
		data, err := pages.Encode("page:/", page)
		fmt.Println(len(page), "bytes, compressed:", len(data) < len(page), err)
	}
	// Output:
	// 6 bytes, compressed: false <nil>
	// 1300 bytes, compressed: true <nil>
}

func ExampleSealed() {
	// In a program: keys, err := codec.KeysFromEnv("ACCOUNT_KEYS")
	keys, err := codec.ParseKeys("2026-03:0mP5mLr9hRUqgyTYs2cVQbn1KZ8wXJtE4oDfA7iSzGM=")
	if err != nil {
		fmt.Println(err)
		return
	}
	accounts := codec.Sealed(codec.CBOR[Account](), keys)
	data, err := accounts.Encode("account:7", Account{"Ada", 1200})
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := accounts.Decode("account:7", data)
	fmt.Println(account, err)
	_, err = accounts.Decode("account:8", data) // somebody copied it there
	fmt.Println(errors.Is(err, codec.ErrTampered))
	// Output:
	// {Ada 1200} <nil>
	// true
}

func ExampleKeys() {
	keys := new(codec.Keys)
	accounts := codec.Sealed(codec.CBOR[Account](), keys)
	_ = keys.Add("2025-12", []byte("an example: never a key of yours"))
	old, _ := accounts.Encode("account:7", Account{"Ada", 1200})

	_ = keys.Add("2026-03", []byte("another example, no key of yours")) // on all instances, then
	_ = keys.MakePrimary("2026-03")                                     // on all instances
	account, err := accounts.Decode("account:7", old)
	fmt.Println(account, err)

	_ = keys.Retire("2025-12") // when no value of it is left
	_, err = accounts.Decode("account:7", old)
	fmt.Println(err)
	fmt.Println(keys)
	// Output:
	// {Ada 1200} <nil>
	// codec: decode sealed: unknown key: id "2025-12"
	// keys["2026-03"]
}

func ExampleParseKeys() {
	keys, err := codec.ParseKeys(`
		2026-03:0mP5mLr9hRUqgyTYs2cVQbn1KZ8wXJtE4oDfA7iSzGM=  # seals
		2025-12:q3LkV0cT8uYxN5hRj2WbZ7eMfP1sAoGdXvKi9tCnBrE=  # still read
	`)
	fmt.Println(keys, err)
	_, err = codec.ParseKeys("0mP5mLr9hRUqgyTYs2cVQbn1KZ8wXJtE4oDfA7iSzGM=")
	fmt.Println(err)
	// Output:
	// keys["2026-03" "2025-12"] <nil>
	// codec: bad keys: entry 1 must be id:key
}

// The account had euros once.
func ExampleVersioned() {
	type accountV1 struct {
		Name  string  `json:"name"`
		Euros float64 `json:"euros"`
	}
	before := codec.Versioned(codec.CBOR[accountV1](), 1)
	now := codec.Versioned(codec.CBOR[Account](), 2,
		codec.From(1, codec.CBOR[accountV1](), func(old accountV1) (Account, error) {
			return Account{old.Name, int64(old.Euros*100 + 0.5)}, nil
		}))

	old, err := before.Encode("account:7", accountV1{"Ada", 12})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(now.Decode("account:7", old))
	data, err := now.Encode("account:7", Account{"Ada", 1200})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = before.Decode("account:7", data) // an instance that is not replaced yet
	fmt.Println(errors.Is(err, codec.ErrNewer), err)
	// Output:
	// {Ada 1200} <nil>
	// true codec: decode versioned: newer version: 2, this program knows 1
}

func ExampleAppend() {
	header := []byte("v1 ")
	data, err := codec.Append(header, codec.JSON[Account](), "account:7", Account{"Ada", 1200})
	fmt.Println(string(data), err)
	// Output: v1 {"name":"Ada","cents":1200} <nil>
}
