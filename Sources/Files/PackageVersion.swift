/// Of ConvNet.
package let packageVersion = "0.1.0"
