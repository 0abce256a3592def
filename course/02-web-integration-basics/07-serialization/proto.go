package formats

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The wire format of Protocol Buffers, written out as protoc's Go code would have it
// done. The schema, which stands nowhere in the bytes:
//
//	message Bike {
//	  int64 id = 1;  string station = 2;  int32 battery = 3;  string lock_code = 4;
//	  repeated double tyres = 5;  int64 rides = 6;  string note = 7;
//	}
//	message Page { repeated Bike bikes = 1; }
type protoBike struct{}

func (protoBike) Encode(_ string, v Bike) ([]byte, error) { return appendBike(nil, v), nil }

func appendBike(b []byte, v Bike) []byte {
	b = appendInt(b, 1, v.ID)
	b = appendText(b, 2, v.Station)
	b = appendInt(b, 3, int64(v.Battery))
	b = appendText(b, 4, v.LockCode)
	if len(v.Tyres) > 0 {
		b = protowire.AppendTag(b, 5, protowire.BytesType)
		b = protowire.AppendVarint(b, uint64(8*len(v.Tyres)))
		for _, bar := range v.Tyres {
			b = protowire.AppendFixed64(b, math.Float64bits(bar))
		}
	}
	b = appendInt(b, 6, v.Rides)
	return appendText(b, 7, v.Note)
}

// appendInt and appendText leave out what is zero, as the format wants it.
func appendInt(b []byte, field protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(v))
}

func appendText(b []byte, field protowire.Number, v string) []byte {
	if v == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func (protoBike) Decode(_ string, data []byte) (v Bike, err error) {
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return v, protowire.ParseError(n)
		}
		data = data[n:]
		n = protowire.ConsumeFieldValue(field, kind, data)
		if n < 0 {
			return v, protowire.ParseError(n)
		}
		v.set(field, kind, data[:n])
		data = data[n:]
	}
	return v, nil
}

// set takes one field. A field that it does not know is passed over.
func (v *Bike) set(field protowire.Number, kind protowire.Type, value []byte) {
	switch kind {
	case protowire.VarintType:
		n, _ := protowire.ConsumeVarint(value)
		switch field {
		case 1:
			v.ID = int64(n)
		case 3:
			v.Battery = int(int64(n))
		case 6:
			v.Rides = int64(n)
		}
	case protowire.BytesType:
		text, _ := protowire.ConsumeBytes(value)
		switch field {
		case 2:
			v.Station = string(text)
		case 4:
			v.LockCode = string(text)
		case 5:
			for ; len(text) >= 8; text = text[8:] {
				bits, _ := protowire.ConsumeFixed64(text)
				v.Tyres = append(v.Tyres, math.Float64frombits(bits))
			}
		case 7:
			v.Note = string(text)
		}
	}
}

type protoPage struct{}

func (protoPage) Encode(_ string, v []Bike) (b []byte, err error) {
	for _, bike := range v {
		b = protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), appendBike(nil, bike))
	}
	return b, nil
}

func (protoPage) Decode(name string, data []byte) (v []Bike, err error) {
	for len(data) > 0 {
		_, _, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		one, m := protowire.ConsumeBytes(data[n:])
		if m < 0 {
			return nil, protowire.ParseError(m)
		}
		bike, err := protoBike{}.Decode(name, one)
		if err != nil {
			return nil, err
		}
		v, data = append(v, bike), data[n+m:]
	}
	return v, nil
}
