package formats

import "fmt"

// Bike is one of the city's, as today's program knows it.
type Bike struct {
	ID       int64     `json:"id"`
	Station  string    `json:"station"`
	Battery  int       `json:"battery"` // per cent
	LockCode string    `json:"lock_code"`
	Tyres    []float64 `json:"tyres"` // bar, front and rear
	Rides    int64     `json:"rides"`
	Note     string    `json:"note"`
}

// region: old

// oldBike is what last month's program knows. It has no lock codes.
type oldBike struct {
	ID      int64     `json:"id"`
	Station string    `json:"station"`
	Battery int       `json:"battery"`
	Tyres   []float64 `json:"tyres"`
	Rides   int64     `json:"rides"`
	Note    string    `json:"note"`
}

// endregion

// bike is the n-th of the city.
func bike(n int) Bike {
	stations := []string{"Harbour East", "Old Market", "Museum Quarter", "Central Station", "University Library"}
	notes := []string{"", "bell missing", "saddle replaced", "brakes checked, front pads worn", ""}
	return Bike{
		ID: 1_000_000 + int64(n)*7919, Station: stations[n%len(stations)], Battery: 13 + n*37%87,
		LockCode: fmt.Sprintf("%04d-%04d", n*7717%10000, n*3571%10000),
		Tyres:    []float64{3.5 + float64(n%7)/10, 3.8 + float64(n%5)/10}, Rides: int64(n) * 131 % 9000, Note: notes[n%len(notes)],
	}
}

// page is what a map of the city asks for.
func page(n int) []Bike {
	all := make([]Bike, n)
	for i := range all {
		all[i] = bike(i)
	}
	return all
}
