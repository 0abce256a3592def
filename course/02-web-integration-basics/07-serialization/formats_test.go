package formats

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/redis-grind/grind/internal/unit/unittest"
)

func TestClaims(t *testing.T) { unittest.Claims(t, &Unit) }

func TestLesson(t *testing.T) { unittest.Lesson(t, &Unit) }

func TestFormats(t *testing.T) {
	for _, f := range formats {
		for _, f := range []format{f, compressed(f)} {
			for n := range 10 {
				data, err := f.one.Encode("bike", bike(n))
				if err != nil {
					t.Fatal(err)
				}
				got, err := f.one.Decode("bike", data)
				if diff := cmp.Diff(bike(n), got); diff != "" || err != nil {
					t.Errorf("%s: one bike: %v\n%s", f.label, err, diff)
				}
			}
			data, err := f.many.Encode("page", page(20))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.many.Decode("page", data)
			if diff := cmp.Diff(page(20), got); diff != "" || err != nil {
				t.Errorf("%s: a page: %v\n%s", f.label, err, diff)
			}
		}
	}
}

// TestProto reads what we write with Google's own code, from the schema.
func TestProto(t *testing.T) {
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, label descriptorpb.FieldDescriptorProto_Label) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
	}
	one, many := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL, descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	i64, text, double := descriptorpb.FieldDescriptorProto_TYPE_INT64, descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_DOUBLE
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: new("bike.proto"), Syntax: new("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: new("Bike"), Field: []*descriptorpb.FieldDescriptorProto{
			field("id", 1, i64, one), field("station", 2, text, one), field("battery", 3, i64, one), field("lock_code", 4, text, one),
			field("tyres", 5, double, many), field("rides", 6, i64, one), field("note", 7, text, one),
		}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	message := file.Messages().ByName("Bike")
	data, err := protoBike{}.Encode("", bike(4))
	if err != nil {
		t.Fatal(err)
	}
	read := dynamicpb.NewMessage(message)
	if err := proto.Unmarshal(data, read); err != nil {
		t.Fatal(err)
	}
	get := func(name string) protoreflect.Value {
		return read.Get(message.Fields().ByName(protoreflect.Name(name)))
	}
	got := Bike{
		ID: get("id").Int(), Station: get("station").String(), Battery: int(get("battery").Int()), LockCode: get("lock_code").String(),
		Rides: get("rides").Int(), Note: get("note").String(),
	}
	for i := range get("tyres").List().Len() {
		got.Tyres = append(got.Tyres, get("tyres").List().Get(i).Float())
	}
	if diff := cmp.Diff(bike(4), got); diff != "" {
		t.Errorf("Google's code reads another bike:\n%s", diff)
	}
}
