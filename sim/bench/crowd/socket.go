package crowd

// batch is how many datagrams one system call takes.
const batch = 64

// maxDatagram is more than a server sends at once.
const maxDatagram = 2048
