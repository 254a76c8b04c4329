
# Services and servers that there are: `_ipvsadm_live -t` adds those of TCP, `_ipvsadm_live -r` the servers of the services in the line.
# IPVS is asked each time, which root may.
(( $+functions[_ipvsadm_live] )) ||
_ipvsadm_live() {
    local -a found expl
    local there=" ${(j: :)${(Q)words}} "
    found=(${(f)"$(ipvsadm -S -n 2>/dev/null | there=$there awk -v option="$1" '
        option == "-r" && $1 == "-a" && index(ENVIRON["there"], " " $3 " ") { print $5 == "-r" ? $6 : $5 }
        $1 == "-A" && $2 == option { print $3 }')"})
    _wanted -V addresses expl address compadd -a found
}
