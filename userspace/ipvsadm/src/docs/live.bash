
# Services and servers that there are, behind the options that take them. IPVS is asked each time, which root may.
_ipvsadm_live() {
    local line=${COMP_LINE:0:COMP_POINT} current option servers
    local -a words found
    current=${line##*[[:space:]]}
    read -ra words <<<"${line%"$current"}"
    case ${words[${#words[@]} - 1]} in
    -t | --tcp-service) option=-t ;;
    -u | --udp-service) option=-u ;;
    --sctp-service) option=--sctp-service ;;
    -f | --fwmark-service) option=-f ;;
    -r | --real-server) servers=yes ;;
    *)
        _ipvsadm "$@"
        return
        ;;
    esac
    mapfile -t found < <(ipvsadm -S -n 2>/dev/null | line=$line awk -v option="$option" -v servers="$servers" '
        servers && $1 == "-a" && index(ENVIRON["line"], " " $3 " ") { print $5 == "-r" ? $6 : $5 }
        !servers && $1 == "-A" && $2 == option { print $3 }')
    mapfile -t COMPREPLY < <(compgen -W "${found[*]}" -- "$current")
    # Readline takes a colon for the end of a word, and wants what is behind it only.
    if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${current%"${current##*:}"}"}")
    fi
}
complete -F _ipvsadm_live -o nosort -o bashdefault -o default ipvsadm
