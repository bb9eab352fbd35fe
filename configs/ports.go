package configs

import (
	"fmt"
	"strings"

	"ndr/feature"
)

// PortSets are the destination ports that are counted per host, inline or read from Location.
type PortSets struct {
	HighRisk, Admin, Fileshare, Directory, DB []uint16
	Location                                  string
}

func (c *PortSets) fields() []field {
	d := feature.DefaultPortLists()
	location := leaf("location", "", one[string]{&c.Location, matching(`.+`, "a path or an s3:// object")},
		"Path or s3:// object with a JSON object of all five sets, in place of the lists.")
	return append(c.sets(d), location)
}

func (c *PortSets) sets(d feature.PortLists) []field {
	set := func(key string, to *[]uint16, def []int, doc string) field {
		list := strings.ReplaceAll(fmt.Sprint(def), " ", ", ")
		return leaf(key, list, many[uint16]{to: to, of: whole[uint16](1, 65535)}, doc)
	}
	return []field{
		set("high_risk", &c.HighRisk, d.HighRisk, "Ports of high_risk_port_sessions_cnt."),
		set("admin", &c.Admin, d.Admin, "Ports of admin_port_sessions_cnt."),
		set("fileshare", &c.Fileshare, d.Fileshare, "Ports of fileshare_port_sessions_cnt."),
		set("directory", &c.Directory, d.Directory, "Ports of directory_port_sessions_cnt."),
		set("db", &c.DB, d.DB, "Ports of db_port_sessions_cnt."),
	}
}
