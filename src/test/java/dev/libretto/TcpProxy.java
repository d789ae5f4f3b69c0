package dev.libretto;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Forwards connections to a port of this host as a network would that is slow, silent, or breaks them. */
public final class TcpProxy implements AutoCloseable {
    private static final int MAX_BYTES = 1 << 16;

    private final int target;
    private final Duration delay;
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<Socket> open = new ArrayList<>();
    private boolean isSilent;

    /** @param delay of all bytes, in each direction */
    public TcpProxy(int target, Duration delay) throws IOException {
        this.target = target;
        this.delay = delay;
        start(this::accept);
    }

    public int port() {
        return listener.getLocalPort();
    }

    /** From now on no byte arrives, and no connection ends, until {@link #speak}. */
    public synchronized void silence() {
        isSilent = true;
    }

    /** Forwards what was held back. */
    public synchronized void speak() {
        isSilent = false;
        notifyAll();
    }

    /** Breaks all connections. New ones are accepted. */
    public synchronized void breakConnections() throws IOException {
        for (Socket socket : open) {
            socket.close();
        }
        open.clear();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        breakConnections();
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static void start(Work work, Closeable... ends) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        // One side has ended the connection.
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    for (Closeable end : ends) {
                        try {
                            end.close();
                        } catch (IOException e) {
                            throw new AssertionError(e);
                        }
                    }
                },
                "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() throws IOException {
        while (true) {
            Socket near = listener.accept();
            start(() -> connect(near));
        }
    }

    private void connect(Socket near) throws IOException {
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        near.setTcpNoDelay(true);
        far.setTcpNoDelay(true);
        synchronized (this) {
            open.add(near);
            open.add(far);
        }
        forward(near, far);
        forward(far, near);
    }

    private record Packet(byte[] bytes, long due) {}

    private void forward(Socket from, Socket to) throws IOException {
        InputStream input = from.getInputStream();
        OutputStream output = to.getOutputStream();
        BlockingQueue<Packet> packets = new LinkedBlockingQueue<>();
        start(() -> read(input, packets));
        start(() -> write(packets, output), from, to);
    }

    private void read(InputStream input, BlockingQueue<Packet> packets) throws IOException {
        byte[] buffer = new byte[MAX_BYTES];
        int count = 0;
        while (count >= 0) {
            try {
                count = input.read(buffer);
            } catch (IOException e) {
                count = -1;
            }
            // Nothing stands for the end.
            packets.add(new Packet(Arrays.copyOf(buffer, Math.max(0, count)), System.nanoTime() + delay.toNanos()));
        }
    }

    private void write(BlockingQueue<Packet> packets, OutputStream output) throws IOException, InterruptedException {
        while (true) {
            Packet packet = packets.take();
            long early = (packet.due() - System.nanoTime()) / 1_000_000;
            if (early > 0) {
                Thread.sleep(early);
            }
            synchronized (this) {
                while (isSilent) {
                    wait();
                }
            }
            if (packet.bytes().length == 0) {
                return;
            }
            output.write(packet.bytes());
        }
    }
}
