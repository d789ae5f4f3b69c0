package dev.libretto.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * A build of Libretto.
 *
 * @param tensorflowJava the version of TensorFlow Java
 * @param classifier the variant of TensorFlow's native library, such as {@code linux-x86_64-gpu}
 */
public record Build(String version, String tensorflowJava, String classifier) {
    public static Build current() {
        Properties properties = new Properties();
        try (InputStream input = Build.class.getResourceAsStream("/libretto.properties")) {
            properties.load(input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Build(
                properties.getProperty("version"),
                properties.getProperty("tensorflow-java"),
                properties.getProperty("tensorflow-classifier"));
    }

    public boolean isCuda() {
        return classifier.endsWith("-gpu");
    }
}
