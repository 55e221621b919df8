# SPDX-License-Identifier: Apache-2.0
# bash completion of skiff; made by `skiff completion bash`, do not edit.
# shellcheck disable=SC2207 # names have no blanks

_skiff_names() { # KIND: what there is to name
	case $1 in
	container | any) skiff ps -a --format '{{.Names}}' 2>/dev/null ;;
	running) skiff ps --format '{{.Names}}' 2>/dev/null ;;
	esac
	case $1 in
	image | any) skiff images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>' ;;
	esac
}

_skiff_value() { # OPTION: sets kind and value
	kind=none value=''
	case $1 in
	--config) kind=path ;;
	--log-level | -l) kind=words value='debug info warn error' ;;
	--root) kind=path ;;
	--runroot) kind=path ;;
	--storage-driver) kind=words value='overlay fuse-overlayfs vfs' ;;
	--trace) kind=path ;;
	--cidfile) kind=path ;;
	--stop-signal) kind=words value='SIGTERM SIGKILL SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2' ;;
	--log-driver) kind=words value='json-file none' ;;
	--restart) kind=words value='no' ;;
	--pull) kind=words value='missing always never newer' ;;
	--platform) kind=words value='linux/amd64 linux/arm64' ;;
	--env-file) kind=path ;;
	--label-file) kind=path ;;
	--volume | -v) kind=path ;;
	--device) kind=path ;;
	--security-opt) kind=words value='no-new-privileges seccomp=unconfined systempaths=unconfined' ;;
	--ipc) kind=words value='host private none shareable' ;;
	--pid) kind=words value='host private' ;;
	--uts) kind=words value='host private' ;;
	--userns) kind=words value='keep-id host nomap' ;;
	--cgroupns) kind=words value='host private' ;;
	--network) kind=words value='none host slirp4netns' ;;
	--format | -f) kind=words value='json table' ;;
	--type | -t) kind=words value='container image' ;;
	--input | -i) kind=path ;;
	--output | -o) kind=path ;;
	--signal | -s) kind=words value='SIGTERM SIGKILL SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGSTOP SIGCONT' ;;
	esac
}

_skiff_verb() { # NAME: sets what may follow; fails when there is no such verb
	case $1 in
	'')
		subs=' run exec pull push copy images search login logout load save import export ps create start stop kill rm logs attach wait inspect rmi tag untag history unshare version info doctor completion container image manifest registry system help'
		options=' --config --debug -D --log-level -l --root --runroot --storage-driver --trace --version -v --help -h'
		valued=' --config --log-level -l --root --runroot --storage-driver --host -H --context -c'
		;;
	'container') subs=' run exec export ls create start stop kill rm logs attach wait inspect prune' ;;
	'image') subs=' pull push ls trust load save import inspect rm tag untag history exists tree diff mount unmount prune' ;;
	'image trust') subs=' set show' ;;
	'manifest') subs=' create add annotate inspect push rm remove exists' ;;
	'registry') subs=' inspect list-tags delete' ;;
	'system') subs=' df prune info doctor check reset' ;;
	'container run' | 'run')
		subs='' first=image rest=path stop=1
		options=' --detach -d --detach-keys --sig-proxy --interactive -i --tty -t --rm --name --replace --cidfile --stop-signal --stop-timeout --init --log-driver --log-opt --restart --pull --quiet -q --platform --tls-verify --rootfs --entrypoint --workdir -w --user -u --env -e --env-file --env-host --unsetenv --unsetenv-all --umask --tz --ulimit --oom-score-adj --label -l --label-file --annotation --volume -v --mount --tmpfs --read-only --read-only-tmpfs --shm-size --device --cap-add --cap-drop --privileged --security-opt --group-add --sysctl --hostname -h --domainname --ipc --pid --uts --userns --cgroupns --network --publish -p --add-host --no-hosts --dns --dns-search --dns-option --no-healthcheck --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --detach-keys --name --cidfile --stop-signal --stop-timeout --log-driver --log-opt --restart --pull --platform --entrypoint --workdir -w --user -u --env -e --env-file --unsetenv --umask --tz --ulimit --oom-score-adj --label -l --label-file --annotation --volume -v --mount --tmpfs --shm-size --device --cap-add --cap-drop --security-opt --group-add --sysctl --hostname -h --domainname --ipc --pid --uts --userns --cgroupns --network --net --publish -p --add-host --dns --dns-search --dns-option --dns-opt --attach -a --expose --memory -m --cpu-shares -c --cpus --pids-limit --cpu-period --cpu-quota --cpuset-cpus --cpuset-mems --memory-reservation --memory-swap --blkio-weight --blkio-weight-device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --cgroup-parent --cgroups --cgroup-conf --cpu-rt-period --cpu-rt-runtime --kernel-memory --memory-swappiness --device-cgroup-rule --gpus --health-cmd --health-interval --health-retries --health-start-period --health-start-interval --health-timeout --health-on-failure --health-log-destination --health-max-log-count --health-max-log-size --health-startup-cmd --health-startup-interval --health-startup-retries --health-startup-success --health-startup-timeout --network-alias --net-alias --ip --ip6 --link --link-local-ip --mac-address --volumes-from --volume-driver --image-volume --storage-opt --runtime --isolation --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops --pod --pod-id-file --init-ctr --requires --secret --uidmap --gidmap --subuidname --subgidname --authfile --creds --cert-dir --decryption-key --retry --retry-delay --arch --os --variant --timeout --systemd --sdnotify --preserve-fds --preserve-fd --init-path --chrootdirs --hosts-file --hostuser --passwd-entry --group-entry --env-merge --pidfile --conmon-pidfile --personality --rdt-class --shm-size-systemd --seccomp-policy --config --root --runroot --storage-driver'
		;;
	'container exec' | 'exec')
		subs='' first=running rest=path stop=1
		options=' --detach -d --detach-keys --env -e --env-file --interactive -i --privileged --tty -t --user -u --workdir -w --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --detach-keys --env -e --env-file --user -u --workdir -w --config --root --runroot --storage-driver'
		;;
	'image pull' | 'pull')
		subs='' first=none rest=none stop=''
		options=' --all-tags -a --keep-blobs --max-layer-entries --max-layer-size --platform --policy --quiet -q --signature-policy --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --max-layer-entries --max-layer-size --platform --policy --pull --signature-policy --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'image push' | 'push')
		subs='' first=none rest=none stop=''
		options=' --all-tags -a --compression-format --compression-level --digestfile --force-compression --format -f --quiet -q --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --compression-format --compression-level --digestfile --format -f --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'copy')
		subs='' first=none rest=none stop=''
		options=' --all -a --authfile --dest-cert-dir --dest-creds --dest-tls-verify --digestfile --format -f --platform --quiet -q --src-cert-dir --src-creds --src-tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --dest-cert-dir --dest-creds --digestfile --format -f --platform --src-cert-dir --src-creds --config --root --runroot --storage-driver'
		;;
	'manifest create')
		subs='' first=none rest=none stop=''
		options=' --all --amend -a --insecure --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'manifest add')
		subs='' first=none rest=none stop=''
		options=' --all --insecure --annotation --arch --os --os-features --os-version --variant --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --annotation --arch --os --os-features --os-version --variant --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'manifest annotate')
		subs='' first=none rest=none stop=''
		options=' --annotation --arch --os --os-features --os-version --variant --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --annotation --arch --os --os-features --os-version --variant --config --root --runroot --storage-driver'
		;;
	'manifest inspect')
		subs='' first=none rest=none stop=''
		options=' --insecure --verbose -v --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'manifest push')
		subs='' first=none rest=none stop=''
		options=' --insecure --purge -p --quiet -q --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'manifest rm')
		subs='' first=none rest=none stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'manifest remove')
		subs='' first=none rest=none stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'manifest exists')
		subs='' first=none rest=none stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'registry inspect')
		subs='' first=none rest=none stop=''
		options=' --config --platform --raw --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --platform --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'registry list-tags')
		subs='' first=none rest=none stop=''
		options=' --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'registry delete')
		subs='' first=none rest=none stop=''
		options=' --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'image ls' | 'images' | 'image list')
		subs='' first=image rest=none stop=''
		options=' --all -a --digests --filter -f --format --no-trunc --noheading -n --quiet -q --sort --tree --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter -f --format --sort --config --root --runroot --storage-driver'
		;;
	'image trust set')
		subs='' first=none rest=none stop=''
		options=' --pubkeysfile -f --signature-policy --type -t --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --policypath --pubkeysfile -f --signature-policy --type -t --config --root --runroot --storage-driver'
		;;
	'image trust show')
		subs='' first=none rest=none stop=''
		options=' --json -j --raw --signature-policy --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --policypath --signature-policy --config --root --runroot --storage-driver'
		;;
	'search')
		subs='' first=none rest=none stop=''
		options=' --filter -f --format --limit --list-tags --no-trunc --authfile --cert-dir --creds --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter -f --format --limit --authfile --cert-dir --creds --config --root --runroot --storage-driver'
		;;
	'login')
		subs='' first=none rest=none stop=''
		options=' --authfile --cert-dir --get-login --password -p --password-stdin --tls-verify --username -u --verbose -v --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --cert-dir --password -p --username -u --config --root --runroot --storage-driver'
		;;
	'logout')
		subs='' first=none rest=none stop=''
		options=' --all -a --authfile --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --authfile --config --root --runroot --storage-driver'
		;;
	'image load' | 'load')
		subs='' first=none rest=none stop=''
		options=' --input -i --keep-blobs --max-layer-entries --max-layer-size --platform --quiet -q --signature-policy --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --input -i --max-layer-entries --max-layer-size --platform --signature-policy --embedded --config --root --runroot --storage-driver'
		;;
	'image save' | 'save')
		subs='' first=image rest=image stop=''
		options=' --compress --format --multi-image-archive -m --output -o --platform --quiet -q --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format --output -o --platform --config --root --runroot --storage-driver'
		;;
	'image import' | 'import')
		subs='' first=path rest=path stop=''
		options=' --change -c --message -m --platform --quiet -q --tls-verify --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --change -c --message -m --platform --config --root --runroot --storage-driver'
		;;
	'container export' | 'export')
		subs='' first=container rest=none stop=''
		options=' --output -o --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --output -o --config --root --runroot --storage-driver'
		;;
	'container ls' | 'ps' | 'container ps' | 'container list')
		subs='' first=none rest=none stop=''
		options=' --all -a --filter -f --format --last -n --latest -l --no-trunc --noheading --quiet -q --size -s --sort --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter -f --format --last -n --sort --config --root --runroot --storage-driver'
		;;
	'container create' | 'create')
		subs='' first=image rest=path stop=1
		options=' --interactive -i --tty -t --rm --name --replace --cidfile --stop-signal --stop-timeout --init --log-driver --log-opt --restart --pull --quiet -q --platform --tls-verify --rootfs --entrypoint --workdir -w --user -u --env -e --env-file --env-host --unsetenv --unsetenv-all --umask --tz --ulimit --oom-score-adj --label -l --label-file --annotation --volume -v --mount --tmpfs --read-only --read-only-tmpfs --shm-size --device --cap-add --cap-drop --privileged --security-opt --group-add --sysctl --hostname -h --domainname --ipc --pid --uts --userns --cgroupns --network --publish -p --add-host --no-hosts --dns --dns-search --dns-option --no-healthcheck --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --name --cidfile --stop-signal --stop-timeout --log-driver --log-opt --restart --pull --platform --entrypoint --workdir -w --user -u --env -e --env-file --unsetenv --umask --tz --ulimit --oom-score-adj --label -l --label-file --annotation --volume -v --mount --tmpfs --shm-size --device --cap-add --cap-drop --security-opt --group-add --sysctl --hostname -h --domainname --ipc --pid --uts --userns --cgroupns --network --net --publish -p --add-host --dns --dns-search --dns-option --dns-opt --attach -a --expose --memory -m --cpu-shares -c --cpus --pids-limit --cpu-period --cpu-quota --cpuset-cpus --cpuset-mems --memory-reservation --memory-swap --blkio-weight --blkio-weight-device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --cgroup-parent --cgroups --cgroup-conf --cpu-rt-period --cpu-rt-runtime --kernel-memory --memory-swappiness --device-cgroup-rule --gpus --health-cmd --health-interval --health-retries --health-start-period --health-start-interval --health-timeout --health-on-failure --health-log-destination --health-max-log-count --health-max-log-size --health-startup-cmd --health-startup-interval --health-startup-retries --health-startup-success --health-startup-timeout --network-alias --net-alias --ip --ip6 --link --link-local-ip --mac-address --volumes-from --volume-driver --image-volume --storage-opt --runtime --isolation --cpu-count --cpu-percent --io-maxbandwidth --io-maxiops --pod --pod-id-file --init-ctr --requires --secret --uidmap --gidmap --subuidname --subgidname --authfile --creds --cert-dir --decryption-key --retry --retry-delay --arch --os --variant --timeout --systemd --sdnotify --preserve-fds --preserve-fd --init-path --chrootdirs --hosts-file --hostuser --passwd-entry --group-entry --env-merge --pidfile --conmon-pidfile --personality --rdt-class --shm-size-systemd --seccomp-policy --config --root --runroot --storage-driver'
		;;
	'container start' | 'start')
		subs='' first=container rest=container stop=''
		options=' --attach -a --interactive -i --detach-keys --sig-proxy --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --detach-keys --config --root --runroot --storage-driver'
		;;
	'container stop' | 'stop')
		subs='' first=running rest=running stop=''
		options=' --signal -s --timeout -t --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --signal -s --timeout -t --time --config --root --runroot --storage-driver'
		;;
	'container kill' | 'kill')
		subs='' first=running rest=running stop=''
		options=' --signal -s --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --signal -s --config --root --runroot --storage-driver'
		;;
	'container rm' | 'rm' | 'container remove')
		subs='' first=container rest=container stop=''
		options=' --force -f --volumes -v --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'container logs' | 'logs')
		subs='' first=container rest=none stop=''
		options=' --follow -f --since --tail -n --timestamps -t --until --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --since --tail -n --until --config --root --runroot --storage-driver'
		;;
	'container attach' | 'attach')
		subs='' first=running rest=none stop=''
		options=' --detach-keys --no-stdin --sig-proxy --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --detach-keys --config --root --runroot --storage-driver'
		;;
	'container wait' | 'wait')
		subs='' first=container rest=container stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'inspect')
		subs='' first=any rest=any stop=''
		options=' --format -f --size -s --type --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --type --config --root --runroot --storage-driver'
		;;
	'container inspect')
		subs='' first=container rest=container stop=''
		options=' --format -f --size -s --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --config --root --runroot --storage-driver'
		;;
	'image inspect')
		subs='' first=image rest=image stop=''
		options=' --format -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --platform --config --root --runroot --storage-driver'
		;;
	'image rm' | 'rmi' | 'image remove')
		subs='' first=image rest=image stop=''
		options=' --all -a --force -f --ignore -i --no-prune --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --platform --config --root --runroot --storage-driver'
		;;
	'image tag' | 'tag')
		subs='' first=image rest=image stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'image untag' | 'untag')
		subs='' first=image rest=image stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'image history' | 'history')
		subs='' first=image rest=none stop=''
		options=' --format --human -H --no-trunc --quiet -q --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format --platform --config --root --runroot --storage-driver'
		;;
	'image exists')
		subs='' first=image rest=none stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'image tree')
		subs='' first=image rest=none stop=''
		options=' --whatrequires --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'image diff')
		subs='' first=image rest=image stop=''
		options=' --format --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format --config --root --runroot --storage-driver'
		;;
	'image mount')
		subs='' first=none rest=none stop=''
		options=' --all -a --format --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format --config --root --runroot --storage-driver'
		;;
	'image unmount' | 'image umount')
		subs='' first=none rest=none stop=''
		options=' --all -a --force -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'image prune')
		subs='' first=none rest=none stop=''
		options=' --all -a --filter --force -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter --config --root --runroot --storage-driver'
		;;
	'container prune')
		subs='' first=none rest=none stop=''
		options=' --filter --force -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter --config --root --runroot --storage-driver'
		;;
	'system df')
		subs='' first=none rest=none stop=''
		options=' --format --verbose -v --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format --config --root --runroot --storage-driver'
		;;
	'system prune')
		subs='' first=none rest=none stop=''
		options=' --all -a --filter --force -f --volumes --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --filter --config --root --runroot --storage-driver'
		;;
	'unshare')
		subs='' first=path rest=path stop=1
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'version')
		subs='' first=none rest=none stop=''
		options=' --format -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --config --root --runroot --storage-driver'
		;;
	'system info' | 'info')
		subs='' first=none rest=none stop=''
		options=' --format -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --config --root --runroot --storage-driver'
		;;
	'system doctor' | 'doctor')
		subs='' first=none rest=none stop=''
		options=' --format -f --quiet -q --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --format -f --config --root --runroot --storage-driver'
		;;
	'system check')
		subs='' first=none rest=none stop=''
		options=' --quick -q --repair -r --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'system reset')
		subs='' first=none rest=none stop=''
		options=' --force -f --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	'completion')
		subs='' first=none rest=none stop=''
		options=' --config --debug -D --root --runroot --storage-driver --trace --help -h'
		valued=' --config --root --runroot --storage-driver'
		;;
	*) return 1 ;;
	esac
}

_skiff() {
	local line=${COMP_LINE:0:COMP_POINT} words cur prev i word name='' verb='' operands=0 kind
	local subs first='' rest='' stop='' options='' valued='' value=''
	read -ra words <<<"$line"
	[[ $line != *[[:space:]] ]] || words+=('')
	cur=${words[${#words[@]} - 1]}
	prev=${words[${#words[@]} - 2]}
	_skiff_verb ''
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		if [[ $word == -* && ! ($stop && $operands -gt 0) ]]; then
			[[ " $valued " != *" $word "* ]] || ((i++))
		elif [[ ! $verb ]] && _skiff_verb "${name:+$name }$word"; then
			name="${name:+$name }$word"
			[[ $subs ]] || verb=1
		else
			((operands++))
		fi
	done
	COMPREPLY=()
	if [[ $stop && $operands -gt 0 ]]; then
		kind=$rest
	elif [[ $cur == --*=* ]]; then
		prev=${cur%%=*} cur=${cur#*=}
		_skiff_value "$prev"
	elif [[ " $valued " == *" $prev "* ]]; then
		_skiff_value "$prev"
	elif [[ $cur == -* ]]; then
		kind=words value=$options
	elif [[ ! $verb ]]; then
		kind=words value=$subs
	elif ((operands == 0)); then
		kind=$first
	else
		kind=$rest
	fi
	case $kind in
	path) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
	words) COMPREPLY=($(compgen -W "$value" -- "$cur")) ;;
	container | running | image | any) COMPREPLY=($(compgen -W "$(_skiff_names "$kind")" -- "$cur")) ;;
	esac
	# bash replaces only what stands behind the last word break.
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
	fi
}
complete -F _skiff skiff
