package trace

import "strings"

// Masked stands where a secret stood.
const Masked = "***"

// Mask replaces the passwords among a command's arguments by Masked, in place.
// The name is in capitals. It knows AUTH, HELLO … AUTH, ACL SETUSER,
// CONFIG SET, SENTINEL SET and MIGRATE.
func Mask(name string, args []string) {
	switch name {
	case "AUTH":
		// AUTH password, or AUTH user password; of anything longer, which the
		// server refuses, only the first may be a user.
		for i := range args {
			if i > 0 || len(args) == 1 {
				args[i] = Masked
			}
		}
	case "HELLO":
		maskAfter(args, "AUTH", 2)
	case "MIGRATE":
		maskAfter(args, "AUTH", 1)
		maskAfter(args, "AUTH2", 2)
	case "ACL":
		if sub(args, "SETUSER") {
			for i, a := range args[1:] {
				if a != "" && strings.Contains("><#!", a[:1]) {
					args[i+1] = a[:1] + Masked
				}
			}
		}
	case "CONFIG", "SENTINEL":
		for i, a := range args[:max(0, len(args)-1)] {
			if secretSetting(a) {
				args[i+1] = Masked
			}
		}
	}
}

// MasksReply reports whether the answer to a command may show a secret, so that
// no text of it but a simple OK may be kept. The server repeats a password that
// ACL SETUSER got wrong.
func MasksReply(name string, args []string) bool {
	switch name {
	case "ACL":
		return sub(args, "GENPASS") || sub(args, "GETUSER") || sub(args, "LIST") || sub(args, "SETUSER")
	case "CONFIG":
		if !sub(args, "GET") {
			return false
		}
		for _, a := range args[1:] {
			if secretSetting(a) || strings.ContainsAny(a, "*?[") {
				return true
			}
		}
	}
	return false
}

// secretSetting reports whether a setting of the server holds a password.
func secretSetting(s string) bool {
	s = strings.ToLower(s)
	return strings.HasSuffix(s, "pass") || strings.HasSuffix(s, "auth")
}

func sub(args []string, word string) bool {
	return len(args) > 0 && strings.EqualFold(args[0], word)
}

// maskAfter masks the argument that stands n places after the first word.
func maskAfter(args []string, word string, n int) {
	for i, a := range args {
		if strings.EqualFold(a, word) {
			if i+n < len(args) {
				args[i+n] = Masked
			}
			return
		}
	}
}
