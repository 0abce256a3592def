package cache

import (
	"fmt"
	"reflect"
	"strconv"
)

// textOf returns how keys of type K are written where Options.KeyFunc is nil. A
// type of string or integer kind is written by its kind even if it has a String
// method, which may give two values one name.
func textOf[K comparable]() (func(K) string, error) {
	typ := reflect.TypeFor[K]()
	switch any(*new(K)).(type) { // without reflection, which costs an allocation
	case string:
		return func(key K) string { return any(key).(string) }, nil
	case int:
		return func(key K) string { return strconv.Itoa(any(key).(int)) }, nil
	case int64:
		return func(key K) string { return strconv.FormatInt(any(key).(int64), 10) }, nil
	}
	switch typ.Kind() {
	case reflect.String:
		return func(key K) string { return reflect.ValueOf(key).String() }, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(key K) string { return strconv.FormatInt(reflect.ValueOf(key).Int(), 10) }, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(key K) string { return strconv.FormatUint(reflect.ValueOf(key).Uint(), 10) }, nil
	}
	if typ.Kind() != reflect.Interface && typ.Implements(reflect.TypeFor[fmt.Stringer]()) {
		return func(key K) string { return any(key).(fmt.Stringer).String() }, nil
	}
	return nil, fmt.Errorf("cache: Options.KeyFunc is needed for keys of type %v: they are no strings or integers and have no String method", typ)
}
