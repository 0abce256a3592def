package check
import "testing"
func TestX(t *testing.T){ url,_ := startServer(t); g,_ := child(t,"race loses,race crashes", EnvRedis+"="+url); for _, e := range g { t.Log(e.Message, e.Millis)} }
