package dev.libretto.device;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import dev.libretto.LibrettoException;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Makes Linux drop what other hosts send to a port of this process. TensorFlow's server cannot do so: it has neither a list of
 * addresses nor a password, and listens on every interface.
 */
final class SourceFilter {
    private static final int SOL_SOCKET = 1;
    private static final int SO_ATTACH_FILTER = 26;

    /** Where classic BPF has the IP header. */
    private static final int HEADER = -0x100000;

    private static final int IPV4_SOURCE = HEADER + 12;
    private static final int IPV6_SOURCE = HEADER + 8;

    private static final int LOAD_BYTE = 0x30;
    private static final int LOAD_WORD = 0x20;
    private static final int SHIFT_RIGHT = 0x74;
    private static final int JUMP = 0x05;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int RETURN = 0x06;
    private static final int KEEP = -1;
    private static final int DROP = 0;
    private static final int INSTRUCTION_BYTES = 8;

    private SourceFilter() {}

    /**
     * Accepts only packets from the given addresses on a port that this process listens on.
     *
     * @throws LibrettoException if the system cannot filter, or does not let this user
     */
    static void attach(int port, Set<InetAddress> allowed) throws LibrettoException {
        LibC libc = LibC.load();
        List<Integer> sockets = listening(port);
        if (libc == null || sockets.isEmpty()) {
            throw new LibrettoException("this system cannot filter by address; omit --allow, and use a firewall");
        }
        byte[] program = program(allowed);
        try (Memory instructions = new Memory(program.length);
                Memory header = new Memory(2L * Native.POINTER_SIZE)) {
            instructions.write(0, program, 0, program.length);
            header.clear();
            header.setShort(0, (short) (program.length / INSTRUCTION_BYTES));
            header.setPointer(Native.POINTER_SIZE, instructions);
            for (int socket : sockets) {
                if (libc.setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, header, (int) header.size()) != 0) {
                    throw new LibrettoException("the kernel refuses to filter by address (error "
                            + Native.getLastError() + "); omit --allow, and use a firewall");
                }
            }
        }
    }

    /** Returns the descriptors of this process's sockets that listen on a port; none where there is no /proc. */
    private static List<Integer> listening(int port) {
        List<Integer> descriptors = new ArrayList<>();
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            String end = String.format(Locale.ROOT, ":%04X", port);
            Set<String> inodes = Stream.of("tcp", "tcp6")
                    .flatMap(SourceFilter::sockets)
                    .map(line -> line.strip().split("\\s+"))
                    .filter(columns -> columns[1].endsWith(end) && columns[3].equals("0A"))
                    .map(columns -> "socket:[" + columns[9] + "]")
                    .collect(Collectors.toSet());
            for (Path descriptor : open) {
                if (Files.isSymbolicLink(descriptor)
                        && inodes.contains(Files.readSymbolicLink(descriptor).toString())) {
                    descriptors.add(Integer.parseInt(descriptor.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            return List.of();
        }
        return descriptors;
    }

    private static Stream<String> sockets(String protocol) {
        try {
            return Files.readAllLines(Path.of("/proc/self/net", protocol)).stream()
                    .skip(1);
        } catch (IOException e) {
            return Stream.empty();
        }
    }

    /** Returns the program in classic BPF: keep a packet if its source is one of the addresses, else drop it. */
    private static byte[] program(Set<InetAddress> allowed) {
        List<ByteBuffer> addresses = allowed.stream()
                .map(address -> ByteBuffer.wrap(address.getAddress()))
                .toList();
        List<ByteBuffer> ipv4 =
                addresses.stream().filter(bytes -> bytes.capacity() == 4).toList();
        List<ByteBuffer> ipv6 =
                addresses.stream().filter(bytes -> bytes.capacity() == 16).toList();
        ByteBuffer program = ByteBuffer.allocate(INSTRUCTION_BYTES * (7 + 2 * ipv4.size() + 9 * ipv6.size()))
                .order(ByteOrder.nativeOrder());
        // The first four bits of the header are the version.
        add(program, LOAD_BYTE, 0, 0, HEADER);
        add(program, SHIFT_RIGHT, 0, 0, 4);
        add(program, JUMP_IF_EQUAL, 1, 0, 4);
        add(program, JUMP, 0, 0, 2 + 2 * ipv4.size());
        add(program, LOAD_WORD, 0, 0, IPV4_SOURCE);
        for (ByteBuffer address : ipv4) {
            add(program, JUMP_IF_EQUAL, 0, 1, address.getInt());
            add(program, RETURN, 0, 0, KEEP);
        }
        add(program, RETURN, 0, 0, DROP);
        for (ByteBuffer address : ipv6) {
            for (int i = 0; i < 4; i++) {
                add(program, LOAD_WORD, 0, 0, IPV6_SOURCE + 4 * i);
                add(program, JUMP_IF_EQUAL, 0, 7 - 2 * i, address.getInt());
            }
            add(program, RETURN, 0, 0, KEEP);
        }
        add(program, RETURN, 0, 0, DROP);
        return program.array();
    }

    /** Adds an instruction; a conditional jump skips so many if its condition is true, or false. */
    private static void add(ByteBuffer program, int operation, int ifTrue, int ifFalse, int constant) {
        program.putShort((short) operation)
                .put((byte) ifTrue)
                .put((byte) ifFalse)
                .putInt(constant);
    }
}
