package dev.libretto.export;

import dev.libretto.LibrettoException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** NumPy's npz format: a zip archive of {@link Npy} files, each named after its array. */
final class Npz {
    /** Weights hardly compress; an archive with a higher compression ratio is a zip bomb. */
    private static final long MAX_RATIO = 100;

    private static final String SUFFIX = ".npy";

    /** A constant time, so that equal weights give equal files. */
    private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

    private Npz() {}

    /** Writes float32 arrays, in their order. */
    static void write(OutputStream output, List<NamedArray> arrays) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(output);
        zip.setLevel(Deflater.NO_COMPRESSION);
        for (NamedArray array : arrays) {
            ZipEntry entry = new ZipEntry(array.name() + SUFFIX);
            entry.setTimeLocal(TIME);
            zip.putNextEntry(entry);
            Npy.write(zip, array);
            zip.closeEntry();
        }
        zip.finish();
    }

    /**
     * Reads arrays, in the order of the archive.
     *
     * @throws LibrettoException if the archive or one of its files is invalid
     */
    static List<NamedArray> read(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            List<? extends ZipEntry> entries = zip.stream().toList();
            requirePlausible(entries, Files.size(file));
            List<NamedArray> arrays = new ArrayList<>();
            for (ZipEntry entry : entries) {
                arrays.add(read(zip, entry));
            }
            return arrays;
        } catch (ZipException e) {
            throw LibrettoException.in(file, "the zip archive is damaged: " + e.getMessage(), e);
        } catch (EOFException e) {
            throw LibrettoException.in(file, "the zip archive is damaged: an array ends too early", e);
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(file, String.valueOf(e.getMessage()), e);
        }
    }

    /** Checks names and unpacked size before unpacking anything. */
    private static void requirePlausible(List<? extends ZipEntry> entries, long fileSize) {
        Set<String> names = new HashSet<>();
        long unpacked = 0;
        for (ZipEntry entry : entries) {
            if (!entry.getName().endsWith(SUFFIX)) {
                throw new IllegalArgumentException("the archive contains " + entry.getName() + ", which is not a "
                        + SUFFIX + " file; write the archive with numpy.savez");
            }
            if (!names.add(entry.getName())) {
                throw new IllegalArgumentException("the archive contains " + entry.getName() + " twice");
            }
            if (entry.getSize() < 0 || entry.getSize() > MAX_RATIO * fileSize - unpacked) {
                throw new IllegalArgumentException("the archive unpacks to more than " + MAX_RATIO
                        + " times its size, unlike any weights; write it uncompressed with numpy.savez");
            }
            unpacked += entry.getSize();
        }
        WeightsFormat.requireMemory(unpacked);
    }

    private static NamedArray read(ZipFile zip, ZipEntry entry) throws IOException {
        String name = entry.getName().substring(0, entry.getName().length() - SUFFIX.length());
        try (CheckedInputStream input =
                new CheckedInputStream(new BufferedInputStream(zip.getInputStream(entry)), new CRC32())) {
            NamedArray array = Npy.read(name, input, entry.getSize());
            if (input.getChecksum().getValue() != entry.getCrc()) {
                throw new IllegalArgumentException(name + " is damaged: its checksum does not match");
            }
            return array;
        }
    }
}
