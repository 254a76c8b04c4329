
# Services and servers that there are, behind the options that take them. IPVS is asked each time, which root may.
function __fish_ipvsadm_services
    ipvsadm -S -n 2>/dev/null | while read -la words
        test "$words[1]" = -A; and test "$words[2]" = $argv[1]; and echo $words[3]
    end
end

# Of the services in the line.
function __fish_ipvsadm_servers
    set -l line (commandline -opc)
    ipvsadm -S -n 2>/dev/null | while read -la words
        test "$words[1]" = -a; and contains -- $words[3] $line; or continue
        test "$words[5]" = -r; and echo $words[6]; or echo $words[5]
    end
end

complete -c ipvsadm -n "__fish_ipvsadm_needs_command" -s t -l tcp-service -x -k -a "(__fish_ipvsadm_services -t)"
complete -c ipvsadm -n "__fish_ipvsadm_needs_command" -s u -l udp-service -x -k -a "(__fish_ipvsadm_services -u)"
complete -c ipvsadm -n "__fish_ipvsadm_needs_command" -l sctp-service -x -k -a "(__fish_ipvsadm_services --sctp-service)"
complete -c ipvsadm -n "__fish_ipvsadm_needs_command" -s f -l fwmark-service -x -k -a "(__fish_ipvsadm_services -f)"
complete -c ipvsadm -n "__fish_ipvsadm_needs_command" -s r -l real-server -x -k -a "(__fish_ipvsadm_servers)"
