package dev.libretto.run;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/** The right to write a run directory, which one process has at a time. It ends with the process, however that ends. */
final class RunLock implements AutoCloseable {
    static final String FILE = "lock";

    private final Path run;
    private final FileChannel channel;

    private RunLock(Path run, FileChannel channel) {
        this.run = run;
        this.channel = channel;
    }

    /** @throws RunException if another process, or this one, has it */
    static RunLock acquire(Path run) throws IOException {
        Path file = run.resolve(FILE);
        while (true) {
            Object before = fileKey(file);
            RunLock lock = tryAcquire(run, file);
            if (Objects.equals(before, fileKey(file))) {
                return lock;
            }
            // Another process replaced the run between the opening of the file and its locking.
            lock.close();
        }
    }

    private static Object fileKey(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return FILE;
        }
    }

    private static RunLock tryAcquire(Path run, Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return new RunLock(run, channel);
            }
        } catch (OverlappingFileLockException e) {
            // This process has it; the same answer.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw heldElsewhere(run);
    }

    static RunException heldElsewhere(Path run) {
        return new RunException(run + " is being trained by another process; wait for its end, or use another --run");
    }

    /** The directory that it is for. */
    Path run() {
        return run;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
