package dev.libretto.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The right to write a run directory, which one process has at a time. It ends with the process, however that ends. */
final class RunLock implements AutoCloseable {
    static final String FILE = "lock";

    private final FileChannel channel;

    private RunLock(FileChannel channel) {
        this.channel = channel;
    }

    /** @throws RunException if another process, or this one, has it */
    static RunLock acquire(Path run) throws IOException {
        FileChannel channel = FileChannel.open(run.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return new RunLock(channel);
            }
        } catch (OverlappingFileLockException e) {
            // This process has it; the same answer.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw new RunException(run + " is being trained by another process; wait for its end, or use another --run");
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
